package cli_test

import (
	"strings"
	"testing"

	"quire/internal/cli"
)

func TestPrintable(t *testing.T) {
	tests := []struct{ given, want string }{
		{"a\tb\nc\r", "a b c "},
		{"\x1b[31mred\x1b[0m", "[31mred[0m"},
		{"\u009b31m", "31m"},
		{"ab\u202ecd", "abcd"},
		{"Ü–字", "Ü–字"},
	}
	for _, tt := range tests {
		if got := cli.Printable(tt.given); got != tt.want {
			t.Errorf("printable(%q) = %q, want %q", tt.given, got, tt.want)
		}
	}
}

func TestBlockKeepsColoursAlone(t *testing.T) {
	const given = "\x1b[0;31mError\x1b[0m\tx\n\x1b]0;title\x07\x1b[2J\x1b[1;1H\x1bcend\x1b"
	tests := []struct {
		colours bool
		want    string
	}{
		{true, "\x1b[0;31mError\x1b[0m\tx\nend"},
		{false, "Error\tx\nend"},
	}
	for _, tt := range tests {
		// ESC c, a full reset, is no sequence that is known here: without its ESC it is a letter.
		want := strings.Replace(tt.want, "end", "cend", 1)
		if got := cli.Block(given, tt.colours); got != want {
			t.Errorf("block(colours %v) = %q, want %q", tt.colours, got, want)
		}
	}
}

func TestFit(t *testing.T) {
	tests := []struct {
		given   string
		columns int
		want    string
	}{
		{"abc", 3, "abc"},
		{"abcd", 3, "ab…"},
		{"字字字", 6, "字字字"},
		{"字字字", 5, "字字…"},
		{"abc", 0, "…"},
		{"", 0, ""},
	}
	for _, tt := range tests {
		if got := cli.Fit(tt.given, tt.columns); got != tt.want {
			t.Errorf("fit(%q, %d) = %q, want %q", tt.given, tt.columns, got, tt.want)
		}
	}
}
