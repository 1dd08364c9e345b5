package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"log/slog"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestExecutorCommand(t *testing.T) {
	dir := t.TempDir()
	self, small := filepath.Join(dir, "quire"), filepath.Join(dir, "quire-executor")
	program := []byte("of this build")
	sum := sha256.Sum256(program)
	for _, tt := range []struct {
		name    string
		content []byte // of the small program; nil: there is none
		want    []string
	}{
		{"none", nil, []string{self, "executor"}},
		{"another build's", []byte("of another"), []string{self, "executor"}},
		{"this build's", program, []string{small, "executor"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if tt.content != nil {
				if err := os.WriteFile(small, tt.content, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			var log bytes.Buffer
			got := executorCommand(self, hex.EncodeToString(sum[:]), slog.New(slog.NewTextHandler(&log, nil)))
			if diff := cmp.Diff(got, tt.want); diff != "" {
				t.Errorf("-got +want:\n%s", diff)
			}
			if warned, want := log.Len() > 0, tt.want[0] == self; warned != want {
				t.Errorf("got the log %q", log.String())
			}
		})
	}
}
