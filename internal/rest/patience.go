package rest

import (
	"io"
	"net/http"
	"time"
)

// patience is how long a client may take over the next piece of a body, in
// either direction. There is no limit for the whole.
const patience = time.Minute

// patientBody is a request's body whose reads have a deadline each.
type patientBody struct {
	body io.Reader
	rc   *http.ResponseController
}

func newPatientBody(w http.ResponseWriter, body io.Reader) io.ReadCloser {
	return io.NopCloser(&patientBody{body, http.NewResponseController(w)})
}

func (b *patientBody) Read(p []byte) (int, error) {
	// An error says that w has no deadlines, as in a test: then there is none.
	_ = b.rc.SetReadDeadline(time.Now().Add(patience))
	n, err := b.body.Read(p)
	if err != nil {
		// Left in place it would take the client for gone while it waits for
		// the answer.
		_ = b.rc.SetReadDeadline(time.Time{})
	}
	return n, err
}

// patientWriter is an answer whose writes have a deadline each. Flush it; at
// the end, lift the deadline.
type patientWriter struct {
	w  io.Writer
	rc *http.ResponseController
}

func newPatientWriter(w http.ResponseWriter) *patientWriter {
	return &patientWriter{w, http.NewResponseController(w)}
}

func (w *patientWriter) Write(p []byte) (int, error) {
	_ = w.rc.SetWriteDeadline(time.Now().Add(patience))
	return w.w.Write(p)
}

func (w *patientWriter) flush() error { return w.rc.Flush() }

func (w *patientWriter) lift() { _ = w.rc.SetWriteDeadline(time.Time{}) }
