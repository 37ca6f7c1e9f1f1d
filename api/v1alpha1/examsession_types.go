package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// SessionState is what a student's session is doing.
//
// +kubebuilder:validation:Enum=Enrolled;Joined;Live;Interrupted;Paused;Finished;Terminated
type SessionState string

// The session states.
const (
	// SessionEnrolled: on the roster, never joined.
	SessionEnrolled SessionState = "Enrolled"
	// SessionJoined: opened the link; no camera received yet.
	SessionJoined SessionState = "Joined"
	// SessionLive: the page is connected and the SFU receives the camera.
	SessionLive SessionState = "Live"
	// SessionInterrupted: was live, and the page or the camera is gone now.
	SessionInterrupted SessionState = "Interrupted"
	// SessionPaused: an invigilator has stopped the student's clock and scoring.
	SessionPaused SessionState = "Paused"
	// SessionFinished: the exam is over for this student.
	SessionFinished SessionState = "Finished"
	// SessionTerminated: an invigilator has ended the exam for this student.
	SessionTerminated SessionState = "Terminated"
)

// ExamSession is one enrolled student's sitting of an Exam. The operator
// creates one per student and writes its status; people read it.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:shortName=exs,categories=proctoring
// +kubebuilder:printcolumn:name="Student",type=string,JSONPath=`.spec.student.id`,priority=1,description="The student's id"
// +kubebuilder:printcolumn:name="State",type=string,JSONPath=`.status.state`,description="What the session is doing"
// +kubebuilder:printcolumn:name="Streaming",type=boolean,JSONPath=`.status.streaming`,description="Whether the SFU receives the camera now"
// +kubebuilder:printcolumn:name="Score",type=integer,JSONPath=`.status.score`,description="Proctoring score (0 to 100)"
// +kubebuilder:printcolumn:name="Level",type=string,JSONPath=`.status.level`,description="Level that the score reaches"
// +kubebuilder:printcolumn:name="Shard",type=string,JSONPath=`.status.shard`,priority=1,description="SFU pod that receives the camera"
// +kubebuilder:printcolumn:name="Exam",type=string,JSONPath=`.spec.examRef.name`,priority=1,description="The Exam"
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
type ExamSession struct {
	metav1.TypeMeta `json:",inline"`

	// metadata is the standard object's metadata.
	// +optional
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// spec says whose session it is.
	// +required
	Spec ExamSessionSpec `json:"spec,omitzero"`

	// status is what the operator last heard from the scoring service.
	// +optional
	Status ExamSessionStatus `json:"status,omitzero"`
}

// ExamSessionList is a list of sessions.
//
// +kubebuilder:object:root=true
type ExamSessionList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []ExamSession `json:"items"`
}

// ExamSessionSpec says whose session it is.
type ExamSessionSpec struct {
	// examRef names the Exam, in the same namespace.
	// +required
	ExamRef ExamReference `json:"examRef,omitzero"`

	// student is the roster entry.
	// +required
	Student SessionStudent `json:"student,omitzero"`
}

// SessionStudent is who sits the exam. What is arranged for a student stands in
// the roster alone, which fewer people may read.
type SessionStudent struct {
	// id identifies the student within the exam: letters, digits and . _ @ -,
	// beginning with a letter or digit.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=128
	// +kubebuilder:validation:Pattern=`^[A-Za-z0-9][A-Za-z0-9._@-]*$`
	ID string `json:"id,omitempty"`

	// name is the student's name as invigilators read it. Default: the id.
	// +optional
	// +kubebuilder:validation:MaxLength=200
	Name string `json:"name,omitempty"`
}

// ExamReference names an Exam in the same namespace.
type ExamReference struct {
	// name of the Exam.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	Name string `json:"name,omitempty"`
}

// ExamSessionStatus is what is known of the sitting. It is written on a change
// of state, streaming or level at once, and otherwise at most every few seconds.
type ExamSessionStatus struct {
	// state of the session.
	// +optional
	State SessionState `json:"state,omitempty"`

	// streaming is true while the SFU receives the student's camera. It is the
	// SFU's own view, never the student's claim.
	// +optional
	Streaming bool `json:"streaming"`

	// score is the proctoring score, 0 to 100.
	// +optional
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=100
	Score int32 `json:"score"`

	// level that the score reaches.
	// +optional
	Level Level `json:"level,omitempty"`

	// violations counted so far, by type.
	// +optional
	// +listType=map
	// +listMapKey=type
	// +kubebuilder:validation:MaxItems=8
	Violations []SessionViolations `json:"violations,omitempty"`

	// shard is the SFU pod that the student is assigned to.
	// +optional
	// +kubebuilder:validation:MaxLength=253
	Shard string `json:"shard,omitempty"`

	// joinTime is when the student first joined.
	// +optional
	JoinTime *metav1.Time `json:"joinTime,omitempty"`

	// lastSeenTime is when the student was last heard or seen, to within half a
	// minute while nothing else changes.
	// +optional
	LastSeenTime *metav1.Time `json:"lastSeenTime,omitempty"`
}

// SessionViolations are the counted violations of one type in one session.
type SessionViolations struct {
	// type of the violation.
	// +required
	Type ViolationType `json:"type,omitempty"`

	// count of them.
	// +required
	// +kubebuilder:validation:Minimum=0
	Count int32 `json:"count"`

	// lastTime is when the last one was counted.
	// +optional
	LastTime *metav1.Time `json:"lastTime,omitempty"`
}
