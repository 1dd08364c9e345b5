package crash_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"testing"

	"github.com/google/uuid"
)

type object = map[string]any

// operation is what the API answers to a mutation.
type operation struct {
	ID       string
	Done     bool
	Metadata struct{ ProjectID string }
	Response struct{ ID, ExecutionStatus string }
	Error    *struct{ Message string }
}

// answer is what a client got; a server that dies meanwhile gives status 0.
type answer struct {
	status int
	body   []byte
}

func (a answer) operation(t *testing.T) operation {
	t.Helper()
	var op operation
	if a.status != http.StatusOK {
		t.Fatalf("got %d: %s", a.status, a.body)
	}
	if err := json.Unmarshal(a.body, &op); err != nil {
		t.Fatal(err)
	}
	return op
}

// call sends one request. A key that is not empty makes it repeatable.
func (s *server) call(t *testing.T, verb, path, key string, body any) answer {
	t.Helper()
	var content []byte
	switch body := body.(type) {
	case nil:
	case []byte:
		content = body
	default:
		var err error
		if content, err = json.Marshal(body); err != nil {
			t.Fatal(err)
		}
	}
	req, err := http.NewRequestWithContext(t.Context(), verb, "http://"+s.address+path, bytes.NewReader(content))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+s.token)
	if key != "" {
		req.Header.Set("Idempotency-Key", key)
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Do(req)
	if err != nil {
		return answer{}
	}
	defer resp.Body.Close()
	got, err := io.ReadAll(resp.Body)
	if err != nil {
		return answer{}
	}
	return answer{resp.StatusCode, got}
}

func newKey() string { return uuid.NewString() }

func (s *server) execute(t *testing.T, notebook, key string) answer {
	t.Helper()
	return s.call(t, "POST", "/datasphere/v2/projects/"+s.project+":execute", key, object{"notebookId": notebook})
}

func (s *server) createProject(t *testing.T, name, key string) answer {
	t.Helper()
	return s.call(t, "POST", "/datasphere/v2/projects", key, object{"communityId": "default", "name": name})
}

func (s *server) deleteProject(t *testing.T, key string) answer {
	t.Helper()
	return s.call(t, "DELETE", "/datasphere/v2/projects/"+s.project, key, nil)
}

func (s *server) put(t *testing.T, path string, content []byte) answer {
	t.Helper()
	return s.call(t, "PUT", "/quire/v1/projects/"+s.project+"/files/"+path, "", content)
}

func (s *server) get(t *testing.T, path string) answer {
	t.Helper()
	return s.call(t, "GET", "/quire/v1/projects/"+s.project+"/files/"+path, "", nil)
}

// executions returns the ids of the project's executions, newest first.
func (s *server) executions(t *testing.T) []string {
	t.Helper()
	a := s.call(t, "GET", "/quire/v1/projects/"+s.project+"/executions", "", nil)
	var list struct{ Executions []struct{ ID string } }
	if err := json.Unmarshal(a.body, &list); err != nil || a.status != http.StatusOK {
		t.Fatalf("list executions: %d %s %v", a.status, a.body, err)
	}
	var ids []string
	for _, e := range list.Executions {
		ids = append(ids, e.ID)
	}
	return ids
}

// state returns an execution's state.
func (s *server) executionState(t *testing.T, id string) string {
	t.Helper()
	var e struct{ State string }
	a := s.call(t, "GET", "/quire/v1/executions/"+id, "", nil)
	if a.status != http.StatusOK {
		return ""
	}
	if err := json.Unmarshal(a.body, &e); err != nil {
		t.Fatal(err)
	}
	return e.State
}

// ended waits for an operation's end.
func (s *server) ended(t *testing.T, id string) operation {
	t.Helper()
	var op operation
	if !s.until(t, fmt.Sprintf("operation %s is done", id), func() bool {
		op = s.call(t, "GET", "/operations/"+id, "", nil).operation(t)
		return op.Done
	}) {
		t.Fatal("the server died")
	}
	return op
}

// wantStatus waits for an execution's end.
func (s *server) wantStatus(t *testing.T, id, want string) {
	t.Helper()
	if op := s.ended(t, id); op.Response.ExecutionStatus != want || op.Error != nil {
		t.Errorf("execution %s ended as %q, error %v, want %q", id, op.Response.ExecutionStatus, op.Error, want)
	}
}
