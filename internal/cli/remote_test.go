package cli_test

import (
	"os"
	"path/filepath"
	"testing"

	"quire/internal/cli"
)

func TestServerAddress(t *testing.T) {
	tests := []struct {
		flag, variable string
		want           string
		secure         bool
	}{
		{"", "", "127.0.0.1:8080", false},
		{"", "host:1", "host:1", false},
		{"other:2", "host:1", "other:2", false},
		{"http://host:1/", "", "host:1", false},
		{"https://host:1", "", "host:1", true},
		{"https://host", "", "host:443", true},
		{"http://host", "", "host:80", false},
		{":8080", "", "127.0.0.1:8080", false},
		{"[::1]:8080", "", "[::1]:8080", false},
	}
	for _, tt := range tests {
		t.Setenv("QUIRE_ADDRESS", tt.variable)
		got, secure, err := cli.Server(cli.NewRemote(tt.flag, "", ""))
		if err != nil || got != tt.want || secure != tt.secure {
			t.Errorf("server(%q, %q) = %q, %v, %v, want %q, %v", tt.flag, tt.variable, got, secure, err, tt.want, tt.secure)
		}
	}
	for _, address := range []string{"host", "host:", "http://host:1/path", "https://"} {
		if got, _, err := cli.Server(cli.NewRemote(address, "", "")); err == nil {
			t.Errorf("server(%q) = %q, want an error", address, got)
		}
	}
}

func TestToken(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	write(t, "quire-data/token", "of-the-default\n")
	write(t, "elsewhere/token", "of-elsewhere\n")
	write(t, "file", "  of-a-file\n")
	write(t, "empty", "\n")
	write(t, "two", "one two")
	tests := []struct {
		name                          string
		file, data, variable, address string
		want                          string
	}{
		{name: "the default folder's, on this machine", address: "127.0.0.1:8080", want: "of-the-default"},
		{name: "the default folder's, by name", address: "localhost:8080", want: "of-the-default"},
		{name: "the default folder's is for this machine alone", address: "example.org:443"},
		{name: "a folder that is named", address: "example.org:443", data: "elsewhere", want: "of-elsewhere"},
		{name: "the variable", address: "127.0.0.1:8080", variable: "of-the-variable", want: "of-the-variable"},
		{name: "a file before the variable", address: "127.0.0.1:8080", variable: "of-the-variable", file: "file", want: "of-a-file"},
		{name: "a file that is not there", address: "127.0.0.1:8080", file: "nothing"},
		{name: "a folder that is not there", address: "127.0.0.1:8080", data: "nothing"},
		{name: "an empty file", address: "127.0.0.1:8080", file: "empty"},
		{name: "a file with two words", address: "127.0.0.1:8080", file: "two"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Setenv("QUIRE_TOKEN", tt.variable)
			got, err := cli.TokenFor(cli.NewRemote("", tt.file, tt.data), tt.address)
			if got != tt.want || (err == nil) != (tt.want != "") {
				t.Errorf("got %q, %v, want %q", got, err, tt.want)
			}
		})
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
