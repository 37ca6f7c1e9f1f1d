package apply

import (
	"github.com/prometheus/client_golang/prometheus"
	"sigs.k8s.io/controller-runtime/pkg/metrics"
)

// applied rises only while something changes; a settled cluster keeps it still.
var applied = prometheus.NewCounterVec(prometheus.CounterOpts{
	Name: "invigil_operator_applies_total",
	Help: "Server-side applies of children, by kind.",
}, []string{"kind"})

func init() { metrics.Registry.MustRegister(applied) }
