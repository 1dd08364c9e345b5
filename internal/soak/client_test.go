package soak_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"quire"
)

// callLimit bounds one call: what is not answered by then is not answered.
const callLimit = 10 * time.Second

// client speaks to the server as anybody would: over HTTP, and once more when
// a connection broke.
type client struct {
	http  *http.Client
	token string
}

func newClient(token string) *client {
	return &client{http: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 4}}, token: token}
}

// answer is what came back for one request.
type answer struct {
	status int
	body   []byte
}

func (a answer) decode(v any) error {
	if a.status != http.StatusOK {
		return fmt.Errorf("status %d: %.500s", a.status, a.body)
	}
	return json.Unmarshal(a.body, v)
}

// call sends one request; an error means that there was no answer.
func (c *client) call(ctx context.Context, verb, path string, body []byte, header map[string]string) (answer, error) {
	ctx, cancel := context.WithTimeout(ctx, callLimit)
	defer cancel()
	req, err := c.request(ctx, verb, path, body, header)
	if err != nil {
		return answer{}, err
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return answer{}, err
	}
	defer resp.Body.Close()
	content, err := io.ReadAll(resp.Body)
	return answer{resp.StatusCode, content}, err
}

func (c *client) request(ctx context.Context, verb, path string, body []byte, header map[string]string) (*http.Request, error) {
	req, err := http.NewRequestWithContext(ctx, verb, "http://"+address+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", "Bearer "+c.token)
	for name, value := range header {
		req.Header.Set(name, value)
	}
	return req, nil
}

// persist calls until there is an answer other than that the server is
// unavailable, which it is while it starts and ends.
func (c *client) persist(ctx context.Context, limit time.Duration, verb, path string, body []byte, header map[string]string) (answer, error) {
	var a answer
	var last error
	err := poll(ctx, limit, func() (bool, error) {
		a, last = c.call(ctx, verb, path, body, header)
		return last == nil && a.status != http.StatusServiceUnavailable, nil
	})
	if err != nil {
		return a, errors.Join(fmt.Errorf("%s %s is not answered: %w", verb, path, err), last)
	}
	return a, nil
}

// get persists until the answer is good, and decodes it.
func (c *client) get(ctx context.Context, limit time.Duration, path string, v any) error {
	var last error
	err := poll(ctx, limit, func() (bool, error) {
		a, err := c.call(ctx, http.MethodGet, path, nil, nil)
		if err == nil {
			err = a.decode(v)
		}
		last = err
		return err == nil, nil
	})
	if err != nil {
		return fmt.Errorf("GET %s: %w", path, errors.Join(err, last))
	}
	return nil
}

// operation is the part of an operation that a run looks at.
type operation struct {
	ID       string
	Done     bool
	Error    *struct{ Message string }
	Response *struct {
		ID              string
		ExecutionStatus string
	}
}

// execution is the part of an execution that a run looks at.
type execution struct {
	ID              string
	State           quire.State
	Attempt         int
	CellsDone       int
	Failure         *quire.Failure
	OutputVariables []quire.Variable
	Attempts        []struct { // those before
		Number  int
		Failure quire.Failure
	}
}

// project makes a project and returns its id.
func (c *client) project(ctx context.Context, name string) (string, error) {
	a, err := c.persist(ctx, startLimit, http.MethodPost, "/datasphere/v2/projects", fmt.Appendf(nil, `{"communityId":"default","name":%q}`, name), nil)
	if err != nil {
		return "", err
	}
	var op operation
	if err := a.decode(&op); err != nil {
		return "", err
	}
	err = poll(ctx, startLimit, func() (bool, error) { return op.Done, c.get(ctx, startLimit, "/operations/"+op.ID, &op) })
	if err != nil {
		return "", err
	}
	return op.Response.ID, nil
}

// execute asks for an execution once.
func (c *client) execute(ctx context.Context, project string, s submission, k kind) (answer, error) {
	body, err := json.Marshal(map[string]any{
		"notebookId": string(s.kind) + ".ipynb", "outputVariableNames": k.outputs,
		"inputVariables": map[string]any{"n": s.n, "gate": s.key},
	})
	if err != nil {
		return answer{}, err
	}
	return c.call(ctx, http.MethodPost, "/datasphere/v2/projects/"+project+":execute", body, map[string]string{"Idempotency-Key": s.key})
}

// executions lists a project's executions.
func (c *client) executions(ctx context.Context, project string) (map[string]execution, error) {
	all := map[string]execution{}
	for token := ""; ; {
		var page struct {
			Executions    []execution
			NextPageToken string
		}
		if err := c.get(ctx, startLimit, "/quire/v1/projects/"+project+"/executions?pageSize=1000&pageToken="+token, &page); err != nil {
			return nil, err
		}
		for _, e := range page.Executions {
			all[e.ID] = e
		}
		if token = page.NextPageToken; token == "" {
			return all, nil
		}
	}
}
