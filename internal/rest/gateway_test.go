package rest_test

import (
	"encoding/json"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"
)

var created = time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)

// TestRequests holds what comes in against what reaches gRPC, and what comes out.
func TestRequests(t *testing.T) {
	t.Parallel()
	const (
		operationJSON = `{"id":"op","description":"","createdBy":"","done":false}`
	)
	for name, test := range map[string]struct {
		request string // verb and path
		body    string
		headers []string
		calls   string // what reaches gRPC; empty: nothing
		status  int    // 0 is 200
		answers string // the body, with ids as ID; a prefix where it ends in …
	}{
		"get": {
			request: "GET /datasphere/v2/projects/p",
			calls:   `Project.Get {"projectId":"p"}`, answers: `{"id":"p","createdAt":"2026-11-23T09:00:00Z",…`,
		},
		"escaped": {
			request: "GET /datasphere/v2/projects/a%20b%25c",
			calls:   `Project.Get {"projectId":"ab%c"}`, answers: `{"id":"a b%c",…`,
		},
		"query in snake case": {
			request: "GET /datasphere/v2/projects?community_id=c&page_size=7&page_token=x&nothing=1",
			calls:   `Project.List {"communityId":"c","pageSize":"7","pageToken":"x"}`, answers: `{"projects":[],"nextPageToken":"more"}`,
		},
		"query in camel case": {
			request: "GET /datasphere/v2/projects?communityId=c&pageSize=7",
			calls:   `Project.List {"communityId":"c","pageSize":"7"}`, answers: `{"projects":[],"nextPageToken":"more"}`,
		},
		"query that is no number": {
			request: "GET /datasphere/v2/projects?communityId=c&pageSize=x", status: 400,
			answers: `{"code":3,"message":"the query is not what this request takes: …`,
		},
		"query with bad escapes": {
			request: "GET /datasphere/v2/projects?communityId=%zz", status: 400,
			answers: `{"code":3,"message":"the query is not well encoded",…`,
		},
		"limits hold": {
			request: "GET /datasphere/v2/projects?communityId=c&pageSize=1001", status: 400,
			answers: `{"code":3,"message":"page_size: must be 0 to 1000, is 1001","details":[{"@type":"type.googleapis.com/google.rpc.RequestInfo","requestId":"ID","servingData":""},{"@type":"type.googleapis.com/google.rpc.BadRequest","fieldViolations":[{"field":"page_size","description":"must be 0 to 1000, is 1001",…`,
		},
		"enum in the query": {
			request: "GET /quire/v1/projects/p/executions?state=RUNNING",
			calls:   `Execution.List {"projectId":"p","state":"RUNNING"}`, answers: `{"executions":[],"nextPageToken":""}`,
		},
		"execute in camel case": {
			request: "POST /datasphere/v2/projects/p:execute",
			body:    `{"notebookId":"n.ipynb","inputVariables":{"a":1,"b":[true,null]},"outputVariableNames":["x"],"unknown":{"a":1}}`,
			calls:   `Project.Execute {"notebookId":"n.ipynb","projectId":"p","inputVariables":{"a":1,"b":[true,null]},"outputVariableNames":["x"]}`,
			answers: `{"id":"op","description":"","createdBy":"","done":false,"metadata":{"@type":"type.googleapis.com/yandex.cloud.datasphere.v2.ProjectExecutionMetadata","notebookId":"n.ipynb","projectId":"p"}}`,
		},
		"execute in snake case": {
			request: "POST /datasphere/v2/projects/p:execute",
			body:    `{"notebook_id":"n.ipynb","output_variable_names":["x"]}`,
			calls:   `Project.Execute {"notebookId":"n.ipynb","projectId":"p","outputVariableNames":["x"]}`, answers: `{"id":"op",…`,
		},
		"a form's content type is JSON too": {
			request: "POST /datasphere/v2/projects/p:execute", headers: []string{"Content-Type", "application/x-www-form-urlencoded"},
			body:  `{"notebookId":"n.ipynb"}`,
			calls: `Project.Execute {"notebookId":"n.ipynb","projectId":"p"}`, answers: `{"id":"op",…`,
		},
		"the path wins": {
			request: "POST /datasphere/v2/projects/p:execute?notebookId=q",
			body:    `{"projectId":"other","notebookId":"n.ipynb"}`,
			calls:   `Project.Execute {"notebookId":"n.ipynb","projectId":"p"}`, answers: `{"id":"op",…`,
		},
		"no body": {
			request: "POST /datasphere/v2/projects/p:execute", status: 400,
			answers: `{"code":3,"message":"target: exactly one of notebook_id, cell_id must be set",…`,
		},
		"not JSON": {
			request: "POST /datasphere/v2/projects/p:execute", body: `{"notebookId":`, status: 400,
			answers: `{"code":3,"message":"the body is not the JSON that this request takes: …`,
		},
		"more than JSON": {
			request: "POST /datasphere/v2/projects/p:execute", body: `{"notebookId":"n"} {}`, status: 400,
			answers: `{"code":3,"message":"the body is not the JSON that this request takes: …`,
		},
		"of another type": {
			request: "POST /datasphere/v2/projects/p:execute", body: `{"notebookId":1}`, status: 400,
			answers: `{"code":3,"message":"the body is not the JSON that this request takes: …`,
		},
		"mask in camel case": {
			request: "PATCH /datasphere/v2/projects/p", body: `{"updateMask":"name,maxUnits","name":"name"}`,
			calls: `Project.Update {"projectId":"p","updateMask":"name,maxUnits","name":"name"}`, answers: operationJSON,
		},
		"mask in snake case": {
			request: "PATCH /datasphere/v2/projects/p", body: `{"update_mask":"name, max_units"}`,
			calls: `Project.Update {"projectId":"p","updateMask":"name,maxUnits"}`, answers: operationJSON,
		},
		"mask in the query": {
			request: "PATCH /datasphere/v2/projects/p?updateMask=name,max_units", body: `{"name":"name"}`,
			calls: `Project.Update {"projectId":"p","updateMask":"name,maxUnits","name":"name"}`, answers: operationJSON,
		},
		"mask beside a body field": {
			request: "PATCH /quire/v1/projects/p/runSettings?update_mask=cellTimeout", body: `{"cellTimeout":"5s","maxOutput":"9007199254740993"}`,
			calls:   `RunSettings.Update {"projectId":"p","runSettings":{"cellTimeout":"5s","maxOutput":"9007199254740993"},"updateMask":"cellTimeout"}`,
			answers: `{"cellTimeout":"5s","maxCellOutput":"0","maxOutput":"9007199254740993","maxVariableBytes":"0","maxVariableRows":0}`,
		},
		"operation":              {request: "GET /operations/o", calls: `Operation.Get {"operationId":"o"}`, answers: `{"id":"o",…`},
		"cancel by GET":          {request: "GET /operations/o:cancel", calls: `Operation.Cancel {"operationId":"o"}`, answers: `{"id":"o",…`},
		"cancel by POST":         {request: "POST /operations/o:cancel", calls: `Operation.Cancel {"operationId":"o"}`, answers: `{"id":"o",…`},
		"open at a path":         {request: "POST /datasphere/v2/projects/p/open", calls: `Project.Open {"projectId":"p"}`, answers: `{…`},
		"open as a verb":         {request: "POST /datasphere/v2/projects/p:open", calls: `Project.Open {"projectId":"p"}`, answers: `{…`},
		"a name before an id":    {request: "GET /datasphere/v2/projects/restrictionsMeta", calls: `Project.GetRestrictionsMeta {}`, answers: `{…`},
		"files":                  {request: "GET /quire/v1/projects/p/files?prefix=d/", calls: `File.List {"projectId":"p","prefix":"d/"}`, answers: `{"files":[{"path":"a","size":"1099511627776"}],"nextPageToken":""}`},
		"delete a file":          {request: "DELETE /quire/v1/projects/p/files/a/..%2F/b:c%2520", calls: `File.Delete {"projectId":"p","path":"a/..//b:c%20"}`, answers: `{}`},
		"no such verb of an id":  {request: "GET /datasphere/v2/projects/p:bogus", status: 404, answers: `{"code":5,"message":"there is nothing at this path",…`},
		"another verb of an id":  {request: "GET /datasphere/v2/projects/p:execute", status: 405, answers: `{"code":12,"message":"this path takes POST, not this verb",…`},
		"no such path":           {request: "GET /datasphere/v3/projects", status: 404, answers: `{"code":5,…`},
		"another verb":           {request: "PUT /datasphere/v2/projects/p", status: 405, answers: `{"code":12,"message":"this path takes GET, PATCH, DELETE, not this verb",…`},
		"not built":              {request: "DELETE /datasphere/v2/projects/p", status: 501, answers: `{"code":12,"message":"yandex.cloud.datasphere.v2.ProjectService/Delete is not built yet",…`},
		"not found":              {request: "GET /datasphere/v2/projects/none", calls: `Project.Get {"projectId":"none"}`, status: 404, answers: `{"code":5,"message":"project none does not exist","details":[{"@type":"type.googleapis.com/google.rpc.RequestInfo","requestId":"ID","servingData":""}]}`},
		"our fault":              {request: "GET /datasphere/v2/projects/broken", calls: `Project.Get {"projectId":"broken"}`, status: 500, answers: `{"code":13,"message":"internal error",…`},
		"not UTF-8":              {request: "GET /datasphere/v2/projects/%ff", status: 400, answers: `{"code":3,"message":"the path must be UTF-8",…`},
		"query that isn't UTF-8": {request: "GET /datasphere/v2/projects?communityId=%ff", status: 400, answers: `{"code":3,"message":"the query must be UTF-8",…`},
		"notebook":               {request: "GET /quire/v1/executions/e/notebook", calls: `Execution.GetNotebook {"executionId":"e"}`, answers: `{"cells":[],"metadata":{},"nbformat":4,"nbformat_minor":5}`},
		"unknown token":          {request: "GET /operations/o", headers: []string{"Authorization", "Bearer other"}, status: 401, answers: `{"code":16,"message":"the token is unknown",…`},
		"odd header":             {request: "GET /operations/o", headers: []string{"Idempotency-Key", "ü"}, status: 400, answers: `{"code":3,"message":"the header Idempotency-Key must be printable ASCII",…`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := &fake{}
			server := newServer(t, f, nil)
			verb, path, _ := strings.Cut(test.request, " ")
			r := newRequest(t, verb, server.URL+path, strings.NewReader(test.body), test.headers...)
			got := do(t, server, r)
			want := test.status
			if want == 0 {
				want = http.StatusOK
			}
			if got.status != want {
				t.Errorf("status: got %d, want %d", got.status, want)
			}
			if got := f.last(); got != test.calls {
				t.Errorf("reached gRPC:\ngot  %s\nwant %s", got, test.calls)
			}
			got.body = requestID.ReplaceAllString(got.body, `"requestId":"ID"`)
			if prefix, ok := strings.CutSuffix(test.answers, "…"); ok && !strings.HasPrefix(got.body, prefix) || !ok && got.body != test.answers {
				t.Errorf("body:\ngot  %s\nwant %s", got.body, test.answers)
			}
			if !json.Valid([]byte(got.body)) {
				t.Errorf("not JSON: %s", got.body)
			}
			if len(got.header.Get("X-Request-Id")) != 36 {
				t.Errorf("headers: %v", got.header)
			}
		})
	}
}

var requestID = regexp.MustCompile(`"requestId":"[0-9a-f-]{36}"`)

func TestHeaders(t *testing.T) {
	t.Parallel()
	f := &fake{}
	server := newServer(t, f, nil)
	got := do(t, server, newRequest(t, "GET", server.URL+"/operations/o", nil,
		"X-Request-Id", "mine", "Idempotency-Key", "0f0e6f42-8f4e-4f0c-9f8e-5d1f2f3a4b5c", "Quire-Priority", "-7", "X-Other", "no"))
	for name, want := range map[string]string{
		"X-Request-Id": "mine", "X-Operation-Poll-Interval": "3", "X-Private": "", "Content-Type": "application/json",
		"X-Content-Type-Options": "nosniff",
	} {
		if got := got.header.Get(name); got != want {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
	if got := got.header.Get("X-Server-Trace-Id"); len(got) != 32 {
		t.Errorf("trace id: got %q", got)
	}
	if got := f.metadata.Get("idempotency-key"); len(got) != 1 {
		t.Errorf("idempotency key: got %v", got)
	}
	if got := f.metadata.Get("quire-priority"); len(got) != 1 || got[0] != "-7" {
		t.Errorf("priority: got %v, want -7", got)
	}
	if got := f.metadata.Get("x-forwarded-host"); len(got) != 1 || "http://"+got[0] != server.URL {
		t.Errorf("forwarded host: got %v, want %s", got, server.URL)
	}
	if got := f.metadata.Get("x-other"); got != nil {
		t.Errorf("handed on a header that means nothing: %v", got)
	}

	got = do(t, server, newRequest(t, "POST", server.URL+"/operations/o", nil))
	if got := got.header.Get("Allow"); got != "GET" {
		t.Errorf("Allow: got %q, want GET", got)
	}
	got = do(t, server, newRequest(t, "GET", server.URL+"/operations/o", nil, "Authorization", "Basic x"))
	if got := got.header.Get("Www-Authenticate"); got != "Bearer" {
		t.Errorf("WWW-Authenticate: got %q", got)
	}
}

func TestBodyTooLarge(t *testing.T) {
	t.Parallel()
	server := newServer(t, &fake{}, nil)
	body := `{"notebookId":"` + strings.Repeat("x", 5<<20) + `"}`
	got := do(t, server, newRequest(t, "POST", server.URL+"/datasphere/v2/projects/p:execute", strings.NewReader(body)))
	if got.status != http.StatusRequestEntityTooLarge || !strings.Contains(got.body, "larger than 4 MiB") {
		t.Errorf("got %d %.200s", got.status, got.body)
	}
}
