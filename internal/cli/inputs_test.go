package cli_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"quire/internal/cli"
)

func TestTyped(t *testing.T) {
	tests := []struct {
		given string
		want  any
	}{
		{"3", json.Number("3")},
		{"-2.50", json.Number("-2.50")},
		{"12345678901234567890", json.Number("12345678901234567890")},
		{"1e3", json.Number("1e3")},
		{"true", true},
		{"null", nil},
		{`"3"`, "3"},
		{`[1, "a"]`, []any{json.Number("1"), "a"}},
		{`{"k": [true]}`, map[string]any{"k": []any{true}}},
		{"", ""},
		{"north", "north"},
		{"True", "True"},
		{"NaN", "NaN"},
		{"01234", "01234"},
		{"+5", "+5"},
		{"1 2", "1 2"},
		{"3 apples", "3 apples"},
		{"2026-11-23", "2026-11-23"},
		{"[1, 2", "[1, 2"},
		{`"open`, `"open`},
		{" 7 ", json.Number("7")},
	}
	for _, tt := range tests {
		if diff := cmp.Diff(tt.want, cli.Typed(tt.given)); diff != "" {
			t.Errorf("typed(%q) (-want +got):\n%s", tt.given, diff)
		}
	}
}

func TestNumbersReachAServerWhole(t *testing.T) {
	tests := []struct {
		number string
		whole  bool
	}{
		{"9007199254740992", true},
		{"9007199254740993", false},
		{"-9007199254740993", false},
		{"1180591620717411303424", true}, // 2^70
		{"0.1", true},                    // as near as any reader comes
		{"1e300", true},
	}
	for _, tt := range tests {
		for _, v := range []any{json.Number(tt.number), []any{json.Number(tt.number)}, map[string]any{"a": json.Number(tt.number)}} {
			_, err := cli.StructOf(map[string]any{"x": v})
			if (err == nil) != tt.whole || err != nil && !strings.Contains(err.Error(), `'x="`+tt.number+`"'`) {
				t.Errorf("structOf(%v): got error %v, want none: %v", v, err, tt.whole)
			}
		}
	}
}
