// Package rest_test holds Quire to the clients that bring nothing: curl, and
// grpcurl by reflection, against a real server. What curl sends is sent byte by
// byte here, so that the test does not depend on a curl of the machine.
package rest_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"quire/test/quiretest"
)

// patience is how long a test waits for anything.
const patience = 3 * time.Minute

type object = map[string]any

// answer is what came back for one request.
type answer struct {
	status int
	header http.Header
	body   []byte
}

// json returns the body, which must be an object.
func (a answer) json(t *testing.T) object {
	t.Helper()
	var o object
	if err := json.Unmarshal(a.body, &o); err != nil {
		t.Fatalf("%d: %q is no JSON object: %v", a.status, a.body, err)
	}
	return o
}

// caller calls one server and holds a project there.
type caller struct {
	server  *quiretest.Server
	project string
}

func newCaller(t *testing.T) *caller {
	t.Helper()
	c := &caller{server: quiretest.Start(t, nil)}
	op := c.call(t, "POST", "/datasphere/v2/projects", `{"community_id": "default", "name": "by-curl"}`).json(t)
	done := c.wait(t, text(t, op, "id"))
	c.project = text(t, done, "response", "id")
	return c
}

// call sends what curl does for -X verb -d body: a form's Content-Type. Further
// headers are "Name: value", an empty value takes one away.
func (c *caller) call(t *testing.T, verb, path, body string, headers ...string) answer {
	t.Helper()
	req := c.request(t, verb, path, body, headers...)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	content, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{resp.StatusCode, resp.Header, content}
}

func (c *caller) request(t *testing.T, verb, path, body string, headers ...string) *http.Request {
	t.Helper()
	var content io.Reader
	if body != "" {
		content = bytes.NewReader([]byte(body))
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	req, err := http.NewRequestWithContext(ctx, verb, c.server.URL(path), content)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("User-Agent", "curl/8.15.0")
	req.Header.Set("Accept", "*/*")
	req.Header.Set("Authorization", "Bearer "+c.server.Token)
	if body != "" {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for _, header := range headers {
		name, value, _ := strings.Cut(header, ":")
		req.Header.Del(name)
		if value = strings.TrimSpace(value); value != "" {
			req.Header.Set(name, value)
		}
	}
	return req
}

// put writes a notebook of these cells into the project.
func (c *caller) put(t *testing.T, path string, cells ...string) {
	t.Helper()
	c.server.PutFile(t, nil, c.project, path, quiretest.Notebook(t, cells...))
}

// execute starts a notebook and returns its operation.
func (c *caller) execute(t *testing.T, body string, headers ...string) object {
	t.Helper()
	a := c.call(t, "POST", "/datasphere/v2/projects/"+c.project+":execute", body, headers...)
	if a.status != http.StatusOK {
		t.Fatalf("execute: %d: %s", a.status, a.body)
	}
	return a.json(t)
}

// wait polls an operation, as the documentation says, and returns its end.
func (c *caller) wait(t *testing.T, id string) object {
	t.Helper()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for {
		if op := c.call(t, "GET", "/operations/"+id, "").json(t); op["done"] == true {
			return op
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("operation %s does not end", id)
		}
	}
}

// text returns the string at a path of names.
func text(t *testing.T, o object, names ...string) string {
	t.Helper()
	var value any = o
	for _, name := range names {
		inner, _ := value.(object)
		value = inner[name]
	}
	s, ok := value.(string)
	if !ok {
		t.Fatalf("%s of %v is %v, not a string", strings.Join(names, "."), o, value)
	}
	return s
}

func wantStatus(t *testing.T, op object, want string) {
	t.Helper()
	if got := text(t, op, "response", "executionStatus"); got != want {
		t.Errorf("execution status %s, want %s", got, want)
	}
}
