package rest_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
)

func TestFiles(t *testing.T) {
	c := newCaller(t)
	folder := "/quire/v1/projects/" + c.project + "/files"
	const content = "a,b\n1,2\n\x00\xff"
	if a := c.call(t, "PUT", folder+"/data/in.csv", content); a.status != http.StatusOK || a.json(t)["path"] != "data/in.csv" {
		t.Fatalf("put: %d: %s", a.status, a.body)
	}
	if a := c.call(t, "GET", folder+"/data/in.csv", ""); a.status != http.StatusOK || string(a.body) != content {
		t.Errorf("get: %d: %q", a.status, a.body)
	}
	for prefix, want := range map[string]int{"": 1, "data/": 1, "other": 0} {
		files, _ := c.call(t, "GET", folder+"?prefix="+prefix, "").json(t)["files"].([]any)
		if len(files) != want {
			t.Errorf("files with the prefix %q: %v, want %d", prefix, files, want)
		}
	}
	if a := c.call(t, "DELETE", folder+"/data/in.csv", ""); a.status != http.StatusOK {
		t.Errorf("delete: %d: %s", a.status, a.body)
	}
	if a := c.call(t, "GET", folder+"/data/in.csv", ""); a.status != http.StatusNotFound || a.json(t)["code"] != 5.0 {
		t.Errorf("get what is deleted: %d: %s", a.status, a.body)
	}
	if a := c.call(t, "PUT", folder+"/%2e%2e/%2e%2e/out", content); a.status != http.StatusBadRequest && a.status != http.StatusNotFound {
		t.Errorf("put outside the project: %d: %s", a.status, a.body)
	}
}

func TestOpenPages(t *testing.T) {
	c := newCaller(t)
	for path, want := range map[string]string{
		"/healthz": "ok", "/readyz": "ready", "/openapi.json": "/quire/v1/executions/",
		"/endpoints": c.server.Address,
	} {
		a := c.call(t, "GET", path, "", "Authorization:")
		if a.status != http.StatusOK || !strings.Contains(string(a.body), want) {
			t.Errorf("%s: %d: no %q in %.200s", path, a.status, want, a.body)
		}
	}
	if a := c.call(t, "GET", "/metrics", "", "Authorization:"); a.status != http.StatusUnauthorized {
		t.Errorf("the metrics without a token: %d", a.status)
	}
	if a := c.call(t, "GET", "/metrics", ""); a.status != http.StatusOK || !strings.Contains(string(a.body), "go_goroutines") {
		t.Errorf("the metrics: %d: %.200s", a.status, a.body)
	}
	var document object
	if err := json.Unmarshal(c.call(t, "GET", "/openapi.json", "").body, &document); err != nil || document["paths"] == nil {
		t.Errorf("the OpenAPI document has no paths (%v)", err)
	}
}
