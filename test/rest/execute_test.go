package rest_test

import (
	"net/http"
	"strings"
	"testing"
)

func TestExecute(t *testing.T) {
	c := newCaller(t)
	c.put(t, "run.ipynb", "import os", `answer = os.environ["word"] + os.environ["n"]`)
	for name, test := range map[string]struct {
		body    string
		headers []string
	}{
		"camelCase": {body: `{"notebookId":"run.ipynb","inputVariables":{"word":"a","n":3},"outputVariableNames":["answer"]}`},
		"snake_case, no Content-Type": {
			`{"notebook_id":"run.ipynb","input_variables":{"word":"a","n":3},"output_variable_names":["answer"]}`,
			[]string{"Content-Type:"},
		},
		"the path as in the notebook's machine, an unknown field": {
			body: `{"notebookId":"/home/jupyter/datasphere/project/run.ipynb","inputVariables":{"word":"a","n":3},"outputVariableNames":["answer"],"new":1}`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			op := c.execute(t, test.body, test.headers...)
			const metadata = "type.googleapis.com/yandex.cloud.datasphere.v2.ProjectExecutionMetadata"
			if got := text(t, op, "metadata", "@type"); got != metadata {
				t.Errorf("metadata of the first answer is %s, want %s", got, metadata)
			}
			if got := text(t, op, "metadata", "projectId"); got != c.project {
				t.Errorf("metadata's projectId is %s, want %s", got, c.project)
			}
			id := text(t, op, "id")
			done := c.wait(t, id)
			const response = "type.googleapis.com/yandex.cloud.datasphere.v2.ProjectExecutionResponse"
			if got := text(t, done, "response", "@type"); got != response {
				t.Errorf("response is %s, want %s", got, response)
			}
			wantStatus(t, done, "OK")
			execution := c.call(t, "GET", "/quire/v1/executions/"+id, "").json(t)
			variables, _ := execution["outputVariables"].([]any)
			if len(variables) != 1 {
				t.Fatalf("output variables of %v", execution)
			}
			answer, _ := variables[0].(object)
			if answer["name"] != "answer" || answer["type"] != "string" || answer["value"] != "a3" {
				t.Errorf("the output variable is %v", answer)
			}
		})
	}
}

func TestWait(t *testing.T) {
	c := newCaller(t)
	c.put(t, "waits.ipynb", "import os, time\nwhile not os.path.exists('go'): time.sleep(0.01)")
	op := c.execute(t, `{"notebookId":"waits.ipynb"}`)
	path := "/quire/v1/executions/" + text(t, op, "id") + ":wait"
	if state := c.call(t, "GET", path+"?timeout=0.01s", "").json(t)["state"]; state != "QUEUED" && state != "STARTING" && state != "RUNNING" {
		t.Errorf("got %v, want it to be under way", state)
	}
	poll := c.call(t, "GET", "/operations/"+text(t, op, "id"), "")
	if got := poll.header.Get("X-Operation-Poll-Interval"); got != "1" {
		t.Errorf("got the poll interval %q, want 1", got)
	}
	c.put(t, "go", "1")
	if state := c.call(t, "GET", path+"?timeout=60s", "").json(t)["state"]; state != "SUCCEEDED" {
		t.Errorf("got %v, want SUCCEEDED", state)
	}
	for _, timeout := range []string{"601s", "-1s", "soon"} {
		if a := c.call(t, "GET", path+"?timeout="+timeout, ""); a.status != http.StatusBadRequest {
			t.Errorf("timeout=%s: got %d: %s", timeout, a.status, a.body)
		}
	}
}

func TestFailingNotebook(t *testing.T) {
	c := newCaller(t)
	c.put(t, "fails.ipynb", "1", "1 / 0", "2")
	id := text(t, c.execute(t, `{"notebookId":"fails.ipynb"}`), "id")
	wantStatus(t, c.wait(t, id), "ERROR")
	failure, _ := c.call(t, "GET", "/quire/v1/executions/"+id, "").json(t)["failure"].(object)
	if failure["cell"] != 1.0 || failure["errorName"] != "ZeroDivisionError" {
		t.Errorf("the failure is %v", failure)
	}
}

func TestCancel(t *testing.T) {
	c := newCaller(t)
	c.put(t, "sleeps.ipynb", "import time\ntime.sleep(300)")
	for _, verb := range []string{"GET", "POST"} {
		t.Run(verb, func(t *testing.T) {
			id := text(t, c.execute(t, `{"notebookId":"sleeps.ipynb"}`), "id")
			if a := c.call(t, verb, "/operations/"+id+":cancel", ""); a.status != http.StatusOK || text(t, a.json(t), "id") != id {
				t.Fatalf("cancel: %d: %s", a.status, a.body)
			}
			wantStatus(t, c.wait(t, id), "ABORTED")
		})
	}
}

func TestIdempotencyKey(t *testing.T) {
	c := newCaller(t)
	c.put(t, "run.ipynb", "1")
	const body, key = `{"notebookId":"run.ipynb"}`, "Idempotency-Key: 0b1b7fd2-6c0a-4a0c-8d8e-1a0e7f9c2c11"
	first := text(t, c.execute(t, body, key), "id")
	if again := text(t, c.execute(t, body, key), "id"); again != first {
		t.Errorf("the repeat is operation %s, want %s", again, first)
	}
	if other := text(t, c.execute(t, body), "id"); other == first {
		t.Error("a request without the key is the same operation")
	} else {
		c.wait(t, other)
	}
	wantStatus(t, c.wait(t, first), "OK")
	a := c.call(t, "POST", "/datasphere/v2/projects/"+c.project+":execute", `{"notebookId":"run.ipynb","spec":"c1.8"}`, key)
	if a.status != http.StatusBadRequest || a.json(t)["code"] != 3.0 {
		t.Errorf("another request with the key: %d: %s", a.status, a.body)
	}
}

func TestErrors(t *testing.T) {
	c := newCaller(t)
	for name, test := range map[string]struct {
		verb, path, body string
		headers          []string
		status           int
		code             float64
	}{
		"no such project":    {verb: "GET", path: "/datasphere/v2/projects/none", status: 404, code: 5},
		"no such notebook":   {verb: "POST", path: "/datasphere/v2/projects/" + c.project + ":execute", body: `{"notebookId":"none.ipynb"}`, status: 404, code: 5},
		"a path that leaves": {verb: "POST", path: "/datasphere/v2/projects/" + c.project + ":execute", body: `{"notebookId":"../../quire.db"}`, status: 400, code: 3},
		"no target":          {verb: "POST", path: "/datasphere/v2/projects/" + c.project + ":execute", body: `{}`, status: 400, code: 3},
		"broken JSON":        {verb: "POST", path: "/datasphere/v2/projects/" + c.project + ":execute", body: `{"notebookId":`, status: 400, code: 3},
		"no such operation":  {verb: "GET", path: "/operations/none", status: 404, code: 5},
		"no token":           {verb: "GET", path: "/operations/none", headers: []string{"Authorization:"}, status: 401, code: 16},
		"no such path":       {verb: "GET", path: "/datasphere/v3/projects", status: 404, code: 5},
		"not built":          {verb: "GET", path: "/datasphere/v2/projects/" + c.project + ":restrictions", status: 501, code: 12},
	} {
		t.Run(name, func(t *testing.T) {
			id := "0f9b6f0a-5b57-4a67-9a35-5e2d7a3c8f10"
			a := c.call(t, test.verb, test.path, test.body, append(test.headers, "x-request-id: "+id)...)
			body := a.json(t)
			message, _ := body["message"].(string)
			if a.status != test.status || body["code"] != test.code || message == "" {
				t.Errorf("got %d: %s, want %d with code %v", a.status, a.body, test.status, test.code)
			}
			if got := a.header.Get("x-request-id"); got != id {
				t.Errorf("x-request-id is %q, want %q", got, id)
			}
			if !strings.Contains(string(a.body), `"type.googleapis.com/google.rpc.RequestInfo"`) || !strings.Contains(string(a.body), id) {
				t.Errorf("the details do not name the request: %s", a.body)
			}
		})
	}
}

func TestPages(t *testing.T) {
	c := newCaller(t)
	c.put(t, "run.ipynb", "1")
	want := map[string]bool{}
	for range 3 {
		id := text(t, c.execute(t, `{"notebookId":"run.ipynb"}`), "id")
		c.wait(t, id)
		want[id] = true
	}
	path, token := "/quire/v1/projects/"+c.project+"/executions?pageSize=2", ""
	for _, size := range []int{2, 1} {
		page := c.call(t, "GET", path+"&pageToken="+token, "").json(t)
		executions, _ := page["executions"].([]any)
		if len(executions) != size {
			t.Fatalf("a page of %d, want %d", len(executions), size)
		}
		for _, e := range executions {
			execution, _ := e.(object)
			delete(want, text(t, execution, "id"))
		}
		token, _ = page["nextPageToken"].(string)
	}
	if len(want) > 0 || token != "" {
		t.Errorf("not listed: %v; the last page's token is %q", want, token)
	}
	if a := c.call(t, "GET", "/quire/v1/projects/"+c.project+"/executions?pageSize=1001", ""); a.status != 400 {
		t.Errorf("a page of 1001: %d: %s", a.status, a.body)
	}
}
