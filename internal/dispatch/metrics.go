package dispatch

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"quire"
)

// Metrics counts what a dispatcher does.
type Metrics struct {
	executions *prometheus.CounterVec
	queued     prometheus.Histogram
	ran        prometheus.Histogram
}

// NewMetrics registers the metrics with r, which may be nil.
func NewMetrics(r prometheus.Registerer) *Metrics {
	buckets := []float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 60, 300, 1800, 7200}
	m := &Metrics{
		executions: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "quire_executions_total", Help: "Executions that ended, by their final state.",
		}, []string{"state"}),
		queued: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "quire_execution_queued_seconds", Help: "Time from submission to the start of an executor.", Buckets: buckets,
		}),
		ran: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "quire_execution_seconds", Help: "Time from the start of an executor to the end.", Buckets: buckets,
		}),
	}
	if r != nil {
		r.MustRegister(m.executions, m.queued, m.ran)
	}
	return m
}

// ended books an execution that has ended, or will be tried again.
func (m *Metrics) ended(p quire.Progress, submitted time.Time) {
	if !p.State.Ended() {
		return
	}
	m.executions.WithLabelValues(string(p.State)).Inc()
	if !p.Timing.Started.IsZero() {
		m.queued.Observe(p.Timing.Started.Sub(submitted).Seconds())
		m.ran.Observe(p.Timing.Finished.Sub(p.Timing.Started).Seconds())
	}
}
