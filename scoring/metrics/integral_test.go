package metrics_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/invigil/invigil/scoring/metrics"
)

func TestIntegral(t *testing.T) {
	t.Parallel()

	synctest.Test(t, func(t *testing.T) {
		registry := prometheus.NewRegistry()
		integral := metrics.NewIntegral("seconds_total", "Seconds.")
		registry.MustRegister(integral)

		steps := []struct {
			value float64
			lasts time.Duration
			want  float64
		}{
			{0, time.Hour, 0}, {2, 10 * time.Second, 20}, {2, 5 * time.Second, 30}, {0, time.Hour, 30}, {1, time.Minute, 90},
		}

		for i, step := range steps {
			integral.Set(step.value)
			time.Sleep(step.lasts) //nolint:forbidigo // the bubble's clock is what is measured

			if got := value(t, registry, "seconds_total"); got != step.want {
				t.Errorf("step %d: %v, want %v", i, got, step.want)
			}
		}
	})
}

func TestTimeWithoutStore(t *testing.T) {
	t.Parallel()

	synctest.Test(t, func(t *testing.T) {
		registry := prometheus.NewRegistry()
		set := metrics.New(registry)

		time.Sleep(time.Second) //nolint:forbidigo // the bubble's clock is what is measured
		set.StoreAvailable.Set(1)
		time.Sleep(time.Hour) //nolint:forbidigo // the bubble's clock is what is measured
		set.StoreAvailable.Set(0)
		time.Sleep(2 * time.Second) //nolint:forbidigo // the bubble's clock is what is measured

		if got := value(t, registry, "invigil_scoring_degraded_seconds_total"); got != 3 {
			t.Errorf("%v seconds", got)
		}
	})
}

// value is that of a counter without labels.
func value(t *testing.T, from prometheus.Gatherer, name string) float64 {
	t.Helper()

	families, err := from.Gather()
	if err != nil {
		t.Fatal(err)
	}

	for _, family := range families {
		if family.GetName() == name {
			return family.GetMetric()[0].GetCounter().GetValue()
		}
	}

	t.Fatalf("there is no %s", name)

	return 0
}
