package controllers

import (
	"sync"

	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/metrics"
)

// examsByStatus counts exams by the reason of their Ready condition.
var examsByStatus = newExamsByStatus()

func init() { metrics.Registry.MustRegister(examsByStatus) }

// examGauge is a collector, so that an exam counts once, under its present
// status, whatever became of it before.
type examGauge struct {
	desc *prometheus.Desc

	mu     sync.Mutex
	reason map[types.UID]string
}

func newExamsByStatus() *examGauge {
	return &examGauge{
		desc: prometheus.NewDesc("invigil_operator_exams",
			"Exams by status, the reason of their Ready condition.", []string{"status"}, nil),
		reason: map[types.UID]string{},
	}
}

func (g *examGauge) set(exam types.UID, reason string) {
	g.mu.Lock()
	defer g.mu.Unlock()

	g.reason[exam] = reason
}

func (g *examGauge) drop(exam types.UID) {
	g.mu.Lock()
	defer g.mu.Unlock()

	delete(g.reason, exam)
}

// Describe implements prometheus.Collector.
func (g *examGauge) Describe(descs chan<- *prometheus.Desc) { descs <- g.desc }

// Collect implements prometheus.Collector.
func (g *examGauge) Collect(found chan<- prometheus.Metric) {
	counts := map[string]int{}

	g.mu.Lock()
	for _, reason := range g.reason {
		counts[reason]++
	}
	g.mu.Unlock()

	for reason, count := range counts {
		found <- prometheus.MustNewConstMetric(g.desc, prometheus.GaugeValue, float64(count), reason)
	}
}
