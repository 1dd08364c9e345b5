package crash_test

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"quire/internal/crash"
)

// notice: what a server dies at is sent by the next one, under the same id.
func notice(t *testing.T, w *world, point string) {
	calls := make(chan string, 10)
	receiver := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { calls <- r.Header.Get("Quire-Delivery") }))
	defer receiver.Close()
	s := w.start(t, point, "--webhook-allow", "127.0.0.0/8")
	a := s.call(t, "POST", "/quire/v1/projects/"+s.project+"/webhooks", "", object{"url": receiver.URL, "events": []string{"SUCCESS"}})
	if a.status != 200 {
		t.Fatalf("create webhook: %d %s", a.status, a.body)
	}
	id := s.execute(t, "past.ipynb", "").operation(t).ID
	s.killed(t)
	var first string
	if point == string(crash.NoticeSent) {
		first = <-calls
	}

	s = w.start(t, "", "--webhook-allow", "127.0.0.0/8")
	s.wantStatus(t, id, "OK")
	select {
	case again := <-calls:
		if first != "" && again != first {
			t.Errorf("the delivery %s came again as %s", first, again)
		}
	case <-time.After(patience):
		t.Error("the notice is lost")
	}
	s.stop(t)
	w.audit(t)
	if len(calls) > 0 {
		t.Errorf("%d more notices came", len(calls))
	}
}

var noticePoints = at(crash.NoticeBegin, crash.NoticeSent)
