package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// ViolationType names a sign of misconduct that is scored.
//
// +kubebuilder:validation:Enum=MultipleFaces;FaceMissing;CameraBlackout;GazeDeviation;HeadTurned;FocusLost;Speaking;LowQuality
type ViolationType string

// The violation types. Which of them a student's page can detect today stands
// in docs/protocol.md; the policy covers them all.
const (
	// MultipleFaces: more than one face is in the picture.
	MultipleFaces ViolationType = "MultipleFaces"
	// FaceMissing: no face is in the picture.
	FaceMissing ViolationType = "FaceMissing"
	// CameraBlackout: the picture is black or the camera is muted.
	CameraBlackout ViolationType = "CameraBlackout"
	// GazeDeviation: the eyes look away from the screen.
	GazeDeviation ViolationType = "GazeDeviation"
	// HeadTurned: the head is turned away from the screen.
	HeadTurned ViolationType = "HeadTurned"
	// FocusLost: the exam page is hidden or another window has the focus.
	FocusLost ViolationType = "FocusLost"
	// Speaking: the mouth moves as in speech.
	Speaking ViolationType = "Speaking"
	// LowQuality: the picture is too dark, blurred or slow to judge.
	LowQuality ViolationType = "LowQuality"
)

// Severity is the band that a violation's weight is summed and capped in.
//
// +kubebuilder:validation:Enum=low;medium;high;critical
type Severity string

// The severities, mildest first.
const (
	SeverityLow      Severity = "low"
	SeverityMedium   Severity = "medium"
	SeverityHigh     Severity = "high"
	SeverityCritical Severity = "critical"
)

// Level is the band that a session's score falls in.
//
// +kubebuilder:validation:Enum=clear;watch;suspicious;critical
type Level string

// The levels, mildest first.
const (
	LevelClear      Level = "clear"
	LevelWatch      Level = "watch"
	LevelSuspicious Level = "suspicious"
	LevelCritical   Level = "critical"
)

// Policy says how signs become violations and violations a score. A score is
// the sum of the weights of counted violations, capped per severity, then at 100.
type Policy struct {
	// violations overrides the defaults of single violation types; a type that
	// is not listed keeps its defaults (docs/exam.md has the table).
	// +optional
	// +listType=map
	// +listMapKey=type
	// +kubebuilder:validation:MaxItems=8
	Violations []ViolationRule `json:"violations,omitempty"`

	// caps bounds what the violations of one severity add up to.
	// +optional
	// +kubebuilder:default={}
	Caps Caps `json:"caps,omitzero"`

	// levels says from which score on a session is at a level.
	// +optional
	// +kubebuilder:default={watch: 10, suspicious: 30, critical: 60}
	Levels Levels `json:"levels,omitzero"`

	// reportInterval is how often a student's page reports.
	// +optional
	// +kubebuilder:default="2.5s"
	// +kubebuilder:validation:XValidation:rule="!self.matches('^-') && duration(self) >= duration('500ms') && duration(self) <= duration('60s')",message="reportInterval must be between 500ms and 60s"
	// +kubebuilder:validation:Pattern=`^-?([0-9]+(\.[0-9]+)?(ms|s|m|h))+$`
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:Type=string
	ReportInterval *metav1.Duration `json:"reportInterval,omitempty"`
}

// ViolationRule overrides the defaults of one violation type.
type ViolationRule struct {
	// type that the rule is for.
	// +required
	Type ViolationType `json:"type,omitempty"`

	// disabled leaves this type out of detection and score when it is true.
	// +optional
	Disabled *bool `json:"disabled,omitempty"`

	// severity band of the type.
	// +optional
	Severity Severity `json:"severity,omitempty"`

	// weight that each counted violation adds, 0 to 100.
	// +optional
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=100
	Weight *int32 `json:"weight,omitempty"`

	// ttl is how long repeats of the type are not counted again.
	// +optional
	// +kubebuilder:validation:XValidation:rule="!self.matches('^-') && duration(self) >= duration('1s')",message="ttl must be at least 1s"
	// +kubebuilder:validation:Pattern=`^-?([0-9]+(\.[0-9]+)?(ms|s|m|h))+$`
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:Type=string
	TTL *metav1.Duration `json:"ttl,omitempty"`

	// mustLast is how long the sign must last before it is a violation.
	// +optional
	// +kubebuilder:validation:XValidation:rule="!self.matches('^-')",message="mustLast must not be negative"
	// +kubebuilder:validation:Pattern=`^-?([0-9]+(\.[0-9]+)?(ms|s|m|h))+$`
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:Type=string
	MustLast *metav1.Duration `json:"mustLast,omitempty"`
}

// Caps bounds the sum of weights per severity, 0 to 100.
type Caps struct {
	// low caps the sum of low violations.
	// +optional
	// +kubebuilder:default=10
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=100
	Low *int32 `json:"low,omitempty"`

	// medium caps the sum of medium violations.
	// +optional
	// +kubebuilder:default=30
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=100
	Medium *int32 `json:"medium,omitempty"`

	// high caps the sum of high violations.
	// +optional
	// +kubebuilder:default=60
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=100
	High *int32 `json:"high,omitempty"`

	// critical caps the sum of critical violations.
	// +optional
	// +kubebuilder:default=100
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=100
	Critical *int32 `json:"critical,omitempty"`
}

// Levels are the scores from which on a session is at a level; below watch it
// is clear.
//
// +kubebuilder:validation:XValidation:rule="self.watch < self.suspicious && self.suspicious < self.critical",message="levels must rise: watch < suspicious < critical"
type Levels struct {
	// watch is the lowest score at level watch.
	// +optional
	// +kubebuilder:default=10
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=100
	Watch int32 `json:"watch,omitempty"`

	// suspicious is the lowest score at level suspicious.
	// +optional
	// +kubebuilder:default=30
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=100
	Suspicious int32 `json:"suspicious,omitempty"`

	// critical is the lowest score at level critical.
	// +optional
	// +kubebuilder:default=60
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=100
	Critical int32 `json:"critical,omitempty"`
}
