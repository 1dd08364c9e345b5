package rest_test

import (
	"net/http"
	"strings"
	"testing"
)

func TestReport(t *testing.T) {
	t.Parallel()
	server := newServer(t, &fake{}, nil)
	got := do(t, server, newRequest(t, "GET", server.URL+"/quire/v1/executions/e/html?code=hide", nil))
	if got.status != http.StatusOK || !strings.Contains(got.body, "<!doctype html>") {
		t.Errorf("got %d %.200s", got.status, got.body)
	}
	if got := got.header.Get("Content-Security-Policy"); !strings.HasPrefix(got, "sandbox") || !strings.Contains(got, "default-src 'none'") {
		t.Errorf("policy: got %q", got)
	}
	for path, want := range map[string]int{"e/html?code=some": http.StatusBadRequest, "broken/html": http.StatusInternalServerError} {
		if got := do(t, server, newRequest(t, "GET", server.URL+"/quire/v1/executions/"+path, nil)); got.status != want {
			t.Errorf("%s: got %d, want %d: %s", path, got.status, want, got.body)
		}
	}
}
