package sessions

import (
	"github.com/prometheus/client_golang/prometheus"
	"sigs.k8s.io/controller-runtime/pkg/metrics"
)

// written against the number of streaming students says whether the rate limits
// are right.
var written = prometheus.NewCounter(prometheus.CounterOpts{
	Name: "invigil_operator_session_writes_total",
	Help: "Status writes of ExamSessions.",
})

func init() { metrics.Registry.MustRegister(written) }
