package service_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"quire"
	"quire/internal/service"
)

// post is a service.Sender that plays the receivers.
type post struct {
	mu    sync.Mutex
	tries []time.Time
	ids   map[quire.DeliveryID]bool
	good  int // the try that succeeds; 0: none
}

func (*post) Check(string) error { return nil }

func (p *post) Send(_ context.Context, w quire.Webhook, d quire.Delivery) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if w.Secret == "" {
		return 0, errors.New("nothing to sign with")
	}
	p.tries = append(p.tries, time.Now())
	p.ids[d.ID] = true
	if len(p.tries) == p.good {
		return 200, nil
	}
	return 503, errors.New("it answered 503")
}

func TestNotices(t *testing.T) {
	for name, good := range map[string]int{"delivered at once": 1, "delivered after a while": 4, "given up": 0} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := &post{ids: map[quire.DeliveryID]bool{}, good: good}
				h := newHouse(t, &service.Options{Expiry: 10_000 * time.Hour, Sender: p})
				w, err := h.CreateWebhook(t.Context(), caller, quire.Webhook{ProjectID: h.project, URL: "https://example.org"})
				if err != nil || len(w.Secret) < quire.MinWebhookSecret || len(w.Events) != 2 {
					t.Fatalf("got %+v, %v", w, err)
				}
				if again, err := h.Webhook(t.Context(), w.ID); err != nil || again.Secret != "" {
					t.Errorf("got the secret %q again, %v", again.Secret, err)
				}
				stop := h.run(t)
				h.execute(t)
				h.end(t, h.claim(t), quire.Failed, nil)
				// A server that is restarted goes on with what was under way.
				for range 30 {
					wait(time.Hour)
					synctest.Wait()
					stop()
					stop = h.run(t)
				}
				stop()
				list, _, err := h.Deliveries(t.Context(), quire.DeliveryFilter{WebhookID: w.ID})
				if err != nil || len(list) != 1 {
					t.Fatalf("got %d deliveries, %v", len(list), err)
				}
				state, tries := quire.DeliveryDelivered, good
				if good == 0 {
					state, tries = quire.DeliveryFailed, quire.MaxDeliveryTries
				}
				if d := list[0]; d.State != state || d.Tries != tries || len(p.tries) != tries || len(p.ids) != 1 || (d.Message != "") != (good == 0) {
					t.Errorf("got %+v after the tries %v", d, p.tries)
				}
				for i := 2; i < len(p.tries); i++ {
					if p.tries[i].Sub(p.tries[i-1]) < p.tries[i-1].Sub(p.tries[i-2]) {
						t.Errorf("try %d comes sooner than the one before: %v", i, p.tries)
					}
				}
			})
		})
	}
}

func TestWebhookRefused(t *testing.T) {
	h := newHouse(t, nil)
	_, err := h.CreateWebhook(t.Context(), caller, quire.Webhook{ProjectID: h.project})
	wantCode(t, err, quire.Unimplemented, "", "no notices")
	h = newHouse(t, &service.Options{Sender: &post{}})
	ended := h.execute(t)
	h.end(t, h.claim(t), quire.Succeeded, nil)
	for _, tt := range []struct {
		w              quire.Webhook
		code           quire.Code
		field, message string
	}{
		{quire.Webhook{ProjectID: "nope"}, quire.NotFound, "project_id: ", "nope"},
		{quire.Webhook{ProjectID: h.project, Secret: "short"}, quire.InvalidArgument, "secret: ", "16"},
		{quire.Webhook{ProjectID: h.project, Execution: "nope"}, quire.NotFound, "execution_id: ", "nope"},
		{quire.Webhook{ProjectID: h.project, Execution: ended}, quire.FailedPrecondition, "execution_id: ", "has ended"},
		{quire.Webhook{ProjectID: h.project, Schedule: "nope"}, quire.NotFound, "schedule_id: ", "nope"},
		{quire.Webhook{ProjectID: h.project, Sweep: "nope"}, quire.NotFound, "sweep_id: ", "nope"},
	} {
		_, err := h.CreateWebhook(t.Context(), caller, tt.w)
		wantCode(t, err, tt.code, tt.field, tt.message)
	}
}
