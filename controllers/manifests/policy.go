package manifests

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	examv1alpha1 "github.com/invigil/invigil/api/v1alpha1"
	"github.com/invigil/invigil/internal/wire"
)

// defaultReportInterval is the schema's default, for objects that were made
// without it.
const defaultReportInterval = 2500 * time.Millisecond

// rule is one line of the default table in docs/exam.md.
type rule struct {
	kind     examv1alpha1.ViolationType
	severity examv1alpha1.Severity
	weight   int32
	ttl      time.Duration
	mustLast time.Duration
}

// defaultRules returns the default table, worst first.
func defaultRules() []rule {
	return []rule{
		{examv1alpha1.MultipleFaces, examv1alpha1.SeverityCritical, 30, 45 * time.Second, time.Second},
		{examv1alpha1.FaceMissing, examv1alpha1.SeverityHigh, 10, 30 * time.Second, 3 * time.Second},
		{examv1alpha1.CameraBlackout, examv1alpha1.SeverityHigh, 10, 15 * time.Second, 2 * time.Second},
		{examv1alpha1.GazeDeviation, examv1alpha1.SeverityMedium, 4, 20 * time.Second, 2 * time.Second},
		{examv1alpha1.HeadTurned, examv1alpha1.SeverityMedium, 4, 20 * time.Second, 2 * time.Second},
		{examv1alpha1.FocusLost, examv1alpha1.SeverityMedium, 5, 20 * time.Second, time.Second},
		{examv1alpha1.Speaking, examv1alpha1.SeverityLow, 2, 30 * time.Second, 2 * time.Second},
		{examv1alpha1.LowQuality, examv1alpha1.SeverityLow, 1, 60 * time.Second, 5 * time.Second},
	}
}

// Policy is the exam's policy with every default filled in, versioned by a hash
// of itself.
func Policy(policy examv1alpha1.Policy, detector examv1alpha1.Detector) (wire.Policy, error) {
	overrides := map[examv1alpha1.ViolationType]examv1alpha1.ViolationRule{}
	for _, override := range policy.Violations {
		overrides[override.Type] = override
	}

	out := wire.Policy{
		ReportIntervalMs: milliseconds(policy.ReportInterval, defaultReportInterval),
		Caps: map[string]int{
			string(examv1alpha1.SeverityLow):      int(ptr.Deref(policy.Caps.Low, 10)),
			string(examv1alpha1.SeverityMedium):   int(ptr.Deref(policy.Caps.Medium, 30)),
			string(examv1alpha1.SeverityHigh):     int(ptr.Deref(policy.Caps.High, 60)),
			string(examv1alpha1.SeverityCritical): int(ptr.Deref(policy.Caps.Critical, 100)),
		},
		Levels: wire.Levels{
			Watch:      int(orDefault(policy.Levels.Watch, 10)),
			Suspicious: int(orDefault(policy.Levels.Suspicious, 30)),
			Critical:   int(orDefault(policy.Levels.Critical, 60)),
		},
	}

	for _, rule := range defaultRules() {
		override := overrides[rule.kind]
		if ptr.Deref(override.Disabled, false) {
			continue
		}

		out.Violations = append(out.Violations, wire.ViolationRule{
			Type:       string(rule.kind),
			Severity:   string(orDefault(override.Severity, rule.severity)),
			Weight:     int(ptr.Deref(override.Weight, rule.weight)),
			TTLMs:      milliseconds(override.TTL, rule.ttl),
			MustLastMs: milliseconds(override.MustLast, rule.mustLast),
		})
	}

	for _, threshold := range detector.Thresholds {
		value, err := strconv.ParseFloat(threshold.Value, 64)
		if err != nil {
			return wire.Policy{}, fmt.Errorf("threshold %s: %w", threshold.Name, err)
		}

		if out.Thresholds == nil {
			out.Thresholds = map[string]float64{}
		}

		out.Thresholds[string(threshold.Name)] = value
	}

	data, err := json.Marshal(out)
	if err != nil {
		return wire.Policy{}, fmt.Errorf("encode policy: %w", err)
	}

	sum := sha256.Sum256(data)
	out.Version = hex.EncodeToString(sum[:4])

	return out, nil
}

// accommodations are a student's overrides by type; nil if there are none.
func accommodations(overrides []examv1alpha1.PolicyOverride) map[string]wire.Accommodation {
	if len(overrides) == 0 {
		return nil
	}

	given := make(map[string]wire.Accommodation, len(overrides))

	for _, override := range overrides {
		accommodation := wire.Accommodation{Disabled: ptr.Deref(override.Disabled, false)}

		if override.Weight != nil {
			accommodation.Weight = ptr.To(max(0, int(*override.Weight)))
		}

		if override.MustLast != nil {
			accommodation.MustLastMs = ptr.To(max(0, override.MustLast.Milliseconds()))
		}

		given[string(override.Type)] = accommodation
	}

	return given
}

// overrides are what accommodations were made from, by type.
func overrides(accommodations map[string]wire.Accommodation) []examv1alpha1.PolicyOverride {
	var given []examv1alpha1.PolicyOverride

	for _, kind := range slices.Sorted(maps.Keys(accommodations)) {
		accommodation := accommodations[kind]
		override := examv1alpha1.PolicyOverride{Type: examv1alpha1.ViolationType(kind)}

		if accommodation.Disabled {
			override.Disabled = ptr.To(true)
		}

		if accommodation.Weight != nil {
			override.Weight = ptr.To(int32(min(*accommodation.Weight, math.MaxInt32)))
		}

		if accommodation.MustLastMs != nil {
			override.MustLast = duration(*accommodation.MustLastMs)
		}

		given = append(given, override)
	}

	return given
}

func duration(ms int64) *metav1.Duration {
	return &metav1.Duration{Duration: time.Duration(ms) * time.Millisecond}
}

func milliseconds(given *metav1.Duration, otherwise time.Duration) int64 {
	if given == nil {
		return otherwise.Milliseconds()
	}

	return given.Milliseconds()
}

func orDefault[T comparable](value, otherwise T) T {
	if value == *new(T) {
		return otherwise
	}

	return value
}
