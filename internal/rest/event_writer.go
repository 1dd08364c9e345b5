package rest

import (
	"fmt"
	"net/http"

	"google.golang.org/grpc/status"

	quirev1 "quire/internal/gen/quire/v1"
)

// eventWriter writes server-sent events. The answer's status goes out with the
// first of them.
type eventWriter struct {
	*patientWriter
	header  http.ResponseWriter
	started bool
}

func newEventWriter(w http.ResponseWriter) *eventWriter {
	return &eventWriter{patientWriter: newPatientWriter(w), header: w}
}

func (w *eventWriter) start() {
	if w.started {
		return
	}
	w.started = true
	w.header.Header().Set("Content-Type", "text/event-stream")
	w.header.Header().Set("Cache-Control", "no-store")
	// A proxy that collects a buffer's worth first would hold events back.
	w.header.Header().Set("X-Accel-Buffering", "no")
	w.header.WriteHeader(http.StatusOK)
}

// event writes one event, at once unless more follow at once.
func (w *eventWriter) event(e *quirev1.Event, moreFollow bool) error {
	data, err := marshal(e)
	if err != nil {
		return w.failure(err)
	}
	w.start()
	if _, err := fmt.Fprintf(w, "id: %d\ndata: %s\n\n", e.GetSeq(), data); err != nil || moreFollow {
		return err
	}
	return w.flush()
}

// comment writes a line that clients skip.
func (w *eventWriter) comment(text string) error {
	w.start()
	if _, err := fmt.Fprintf(w, ": %s\n\n", text); err != nil {
		return err
	}
	return w.flush()
}

// failure ends the stream with an event of that name whose data is an error
// like those of every other answer.
func (w *eventWriter) failure(cause error) error {
	w.start()
	data, err := marshal(identified(w.header.Header(), status.Convert(cause)).Proto())
	if err != nil {
		return fmt.Errorf("write an error as JSON: %w", err)
	}
	if _, err := fmt.Fprintf(w, "event: failure\ndata: %s\n\n", data); err != nil {
		return err
	}
	return w.flush()
}
