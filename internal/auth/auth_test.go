package auth_test

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"quire"
	"quire/internal/auth"
)

func open(t *testing.T, dir string) *auth.Tokens {
	t.Helper()
	tokens, err := auth.Open(dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	return tokens
}

func adminToken(t *testing.T, dir string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(dir, "token"))
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(data))
}

func TestAdminToken(t *testing.T) {
	dir := t.TempDir()
	tokens := open(t, dir)
	token := adminToken(t, dir)

	t.Run("looks like one", func(t *testing.T) {
		if !strings.HasPrefix(token, "quire_") || len(token) < len("quire_")+52 {
			t.Errorf("got %q, want quire_ and 256 bits", token)
		}
	})
	t.Run("is for its owner alone", func(t *testing.T) {
		info, err := os.Stat(filepath.Join(dir, "token"))
		if err != nil {
			t.Fatal(err)
		}
		if got := info.Mode().Perm(); got != 0o600 {
			t.Errorf("got mode %o, want 600", got)
		}
	})
	t.Run("is the admin's", func(t *testing.T) {
		got, err := tokens.Authenticate(t.Context(), token)
		if err != nil || got != auth.Admin {
			t.Errorf("got %q, %v, want %q", got, err, auth.Admin)
		}
	})
	t.Run("stays", func(t *testing.T) {
		again := open(t, dir)
		if got := adminToken(t, dir); got != token {
			t.Errorf("got %q after a second start, want %q", got, token)
		}
		if _, err := again.Authenticate(t.Context(), token); err != nil {
			t.Error(err)
		}
	})
	t.Run("differs from folder to folder", func(t *testing.T) {
		other := t.TempDir()
		open(t, other)
		if adminToken(t, other) == token {
			t.Error("got the same token twice")
		}
	})
	t.Run("leaves nothing else behind", func(t *testing.T) {
		entries, err := os.ReadDir(dir)
		if err != nil || len(entries) != 1 {
			t.Errorf("got %v, %v, want the token alone", entries, err)
		}
	})
}

func TestAdminTokenFile(t *testing.T) {
	write := func(t *testing.T, content string, mode os.FileMode) string {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "token"), []byte(content), mode); err != nil {
			t.Fatal(err)
		}
		return dir
	}
	for name, content := range map[string]string{"empty": "", "blank": " \n", "word": "secret\n"} {
		t.Run("refused "+name, func(t *testing.T) {
			if _, err := auth.Open(write(t, content, 0o600), nil); err == nil {
				t.Error("got no error")
			}
		})
	}
	t.Run("readable by others", func(t *testing.T) {
		var log bytes.Buffer
		dir := write(t, strings.Repeat("x", 40), 0o644)
		if _, err := auth.Open(dir, &auth.Options{Logger: slog.New(slog.NewTextHandler(&log, nil))}); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(log.String(), "chmod 600") || strings.Contains(log.String(), "xxxx") {
			t.Errorf("got log %q, want a warning without the token", log.String())
		}
	})
	t.Run("given by hand", func(t *testing.T) {
		token := strings.Repeat("z", 32)
		if _, err := open(t, write(t, token+"\n", 0o600)).Authenticate(t.Context(), token); err != nil {
			t.Error(err)
		}
	})
}

func TestUnknownTokens(t *testing.T) {
	dir := t.TempDir()
	tokens := open(t, dir)
	admin := adminToken(t, dir)
	for name, token := range map[string]string{
		"empty":    "",
		"other":    "quire_" + strings.Repeat("a", 52),
		"part":     admin[:len(admin)-1],
		"longer":   admin + "a",
		"NUL":      admin + "\x00",
		"upper":    strings.ToUpper(admin),
		"line end": admin + "\n",
	} {
		t.Run(name, func(t *testing.T) {
			subject, err := tokens.Authenticate(t.Context(), token)
			if quire.CodeOf(err) != quire.Unauthenticated || err == nil || subject != "" {
				t.Errorf("got %q, %v, want Unauthenticated", subject, err)
			}
			if _, _, err := tokens.Exchange(t.Context(), token); err == nil || quire.CodeOf(err) != quire.Unauthenticated {
				t.Errorf("exchanged: got %v, want Unauthenticated", err)
			}
		})
	}
}

func TestExchange(t *testing.T) {
	dir := t.TempDir()
	now := time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)
	tokens, err := auth.Open(dir, &auth.Options{Now: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	admin := adminToken(t, dir)
	got, until, err := tokens.Exchange(t.Context(), admin)
	if err != nil || got != admin || !until.Equal(now.Add(12*time.Hour)) {
		t.Errorf("got %q, %v, %v, want the token itself for 12 hours", got, until, err)
	}
}

func TestAPITokens(t *testing.T) {
	dir := t.TempDir()
	server, other := open(t, dir), open(t, dir) // as two processes have them

	token, err := other.Create("ci@example")
	if err != nil {
		t.Fatal(err)
	}
	if got, err := server.Authenticate(t.Context(), token); err != nil || got != "ci@example" {
		t.Fatalf("got %q, %v, want the token of the other process to be known", got, err)
	}
	second, err := server.Create("second")
	if err != nil {
		t.Fatal(err)
	}

	t.Run("are listed without the tokens", func(t *testing.T) {
		list, err := other.List()
		if err != nil || len(list) != 2 || list[0].Name != "ci@example" || list[1].Name != "second" || list[0].CreatedAt.IsZero() {
			t.Errorf("got %+v, %v, want both, oldest first", list, err)
		}
		data, err := os.ReadFile(filepath.Join(dir, "api-tokens.json"))
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(data, []byte(token)) || bytes.Contains(data, []byte("quire_")) {
			t.Errorf("got the token itself in the file: %s", data)
		}
	})
	t.Run("have names of their own", func(t *testing.T) {
		if _, err := server.Create("second"); quire.CodeOf(err) != quire.AlreadyExists {
			t.Errorf("got %v, want AlreadyExists", err)
		}
		for _, name := range []string{"", "admin", "-a", "a b", "a\n", strings.Repeat("a", 64)} {
			if _, err := server.Create(name); quire.CodeOf(err) != quire.InvalidArgument {
				t.Errorf("%q: got %v, want InvalidArgument", name, err)
			}
		}
	})
	t.Run("are gone when revoked", func(t *testing.T) {
		if err := other.Revoke("ci@example"); err != nil {
			t.Fatal(err)
		}
		if _, err := server.Authenticate(t.Context(), token); quire.CodeOf(err) != quire.Unauthenticated {
			t.Errorf("got %v, want Unauthenticated", err)
		}
		if got, err := server.Authenticate(t.Context(), second); err != nil || got != "second" {
			t.Errorf("got %q, %v, want the other token to stay", got, err)
		}
		if err := other.Revoke("ci@example"); quire.CodeOf(err) != quire.NotFound {
			t.Errorf("revoked again: got %v, want NotFound", err)
		}
	})
	t.Run("in a damaged file let nobody in", func(t *testing.T) {
		for _, content := range []string{"{", `[{"name":"x","sha256":"00"}]`, `[{"name":"","sha256":"` + strings.Repeat("00", 32) + `"}]`, `[{"name":"x","sha256":"` + strings.Repeat("00", 33) + `"}]`} {
			dir := t.TempDir()
			if err := os.WriteFile(filepath.Join(dir, "api-tokens.json"), []byte(content), 0o600); err != nil {
				t.Fatal(err)
			}
			if _, err := auth.Open(dir, nil); err == nil {
				t.Errorf("%s: got no error", content)
			}
		}
	})
}
