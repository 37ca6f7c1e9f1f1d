package v1alpha1

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Exam is one live-proctored online exam: who sits it, when, and how it is
// watched. The operator provisions the media servers, the scoring service and
// the store it needs, and reports what happens in its status.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:shortName=ex,categories=proctoring
// +kubebuilder:printcolumn:name="Status",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].reason`,description="Reason of the Ready condition"
// +kubebuilder:printcolumn:name="Enrolled",type=integer,JSONPath=`.status.students.enrolled`,description="Students on the roster"
// +kubebuilder:printcolumn:name="Streaming",type=integer,JSONPath=`.status.students.streaming`,description="Students whose camera the SFU receives now"
// +kubebuilder:printcolumn:name="Flagged",type=integer,JSONPath=`.status.students.flagged`,description="Students at level suspicious or critical"
// +kubebuilder:printcolumn:name="Top score",type=integer,JSONPath=`.status.scores.highest`,description="Highest proctoring score (0 to 100)"
// +kubebuilder:printcolumn:name="SFUs",type=string,JSONPath=`.status.shardsReady`,description="SFU pods that accept students, of those planned"
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
// +kubebuilder:validation:XValidation:rule="!has(oldSelf.status) || !has(oldSelf.status.conditions) || !oldSelf.status.conditions.exists(c, c.type == 'InSession' && c.reason in ['Live', 'Finishing', 'Finished', 'TornDown', 'Purging', 'Purged']) || (has(self.spec.schedule) && has(self.spec.schedule.startTime) ? self.spec.schedule.startTime : timestamp(0)) == (has(oldSelf.spec.schedule) && has(oldSelf.spec.schedule.startTime) ? oldSelf.spec.schedule.startTime : timestamp(0))",message="spec.schedule.startTime cannot be changed: the exam has begun"
// +kubebuilder:validation:XValidation:rule="!has(oldSelf.status) || !has(oldSelf.status.conditions) || !oldSelf.status.conditions.exists(c, c.type == 'EvidenceSealed' && c.status == 'True' || c.type == 'InSession' && c.reason in ['TornDown', 'Purging', 'Purged']) || (has(self.spec.schedule) && has(self.spec.schedule.duration) ? self.spec.schedule.duration : '-') == (has(oldSelf.spec.schedule) && has(oldSelf.spec.schedule.duration) ? oldSelf.spec.schedule.duration : '-') && (has(self.spec.schedule) && has(self.spec.schedule.endTime) ? self.spec.schedule.endTime : timestamp(0)) == (has(oldSelf.spec.schedule) && has(oldSelf.spec.schedule.endTime) ? oldSelf.spec.schedule.endTime : timestamp(0))",message="spec.schedule.duration and endTime cannot be changed: the exam is over and nothing can be added to it"
// +kubebuilder:validation:XValidation:rule="self.metadata.name.size() <= 40 && self.metadata.name.matches('^[a-z]([-a-z0-9]*[a-z0-9])?$')",message="metadata.name must be at most 40 lower-case letters, digits and -, beginning with a letter: pods and services are named after it"
type Exam struct {
	metav1.TypeMeta `json:",inline"`

	// metadata is the standard object's metadata.
	// +optional
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// spec is what is asked for. The operator never writes it.
	// +required
	Spec ExamSpec `json:"spec,omitzero"`

	// status is what the operator observed last.
	// +optional
	Status ExamStatus `json:"status,omitzero"`
}

// ExamList is a list of exams.
//
// +kubebuilder:object:root=true
type ExamList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []Exam `json:"items"`
}

// ContentPlacement says where the quiz opens.
// +kubebuilder:validation:Enum=Frame;Tab
type ContentPlacement string

// The placements.
const (
	ContentInFrame ContentPlacement = "Frame"
	ContentInTab   ContentPlacement = "Tab"
)

// ExamSpec describes the exam.
type ExamSpec struct {
	// title is the exam's name as students and invigilators read it.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=200
	Title string `json:"title,omitempty"`

	// contentURL is the address of the quiz that the student page shows in a
	// frame. Without it the page shows the camera and the time only.
	// +optional
	// +kubebuilder:validation:MaxLength=2000
	// +kubebuilder:validation:XValidation:rule="self.startsWith('https://') || self.startsWith('http://')",message="contentURL must start with https:// or http://"
	ContentURL string `json:"contentURL,omitempty"`

	// contentPlacement is where the quiz opens: Frame shows it within the student's
	// page, Tab lets the student open a tab of its own, for sites that cannot be
	// framed. With Tab, FocusLost is not watched: looking at the quiz cannot be told
	// from leaving it.
	// +optional
	// +kubebuilder:default=Frame
	ContentPlacement ContentPlacement `json:"contentPlacement,omitempty"`

	// schedule says when the exam runs. Without it the exam opens at once and
	// stays open until it is deleted.
	// +optional
	Schedule *Schedule `json:"schedule,omitempty"`

	// roster says who is enrolled.
	// +required
	Roster Roster `json:"roster,omitzero"`

	// policy says which signs count as violations and how they are scored.
	// +optional
	// +kubebuilder:default={}
	Policy Policy `json:"policy,omitzero"`

	// detector says how the students' pages look at their cameras.
	// +optional
	// +kubebuilder:default={}
	Detector Detector `json:"detector,omitzero"`

	// media sizes and exposes the SFU pods that receive the students' cameras.
	// +optional
	// +kubebuilder:default={}
	Media Media `json:"media,omitzero"`

	// scoring sizes the scoring service, the exam's one public door.
	// +optional
	// +kubebuilder:default={}
	Scoring Scoring `json:"scoring,omitzero"`

	// redis is the store that scoring keeps sessions in.
	// +optional
	// +kubebuilder:default={}
	Redis Redis `json:"redis,omitzero"`

	// evidence says where the record of the exam is kept, and how long.
	// +optional
	// +kubebuilder:default={type: Volume}
	Evidence Evidence `json:"evidence,omitzero"`

	// ttlAfterFinished is how long scoring and the store stay when the exam is over,
	// for people who look at it. They also stay until the evidence is sealed. Then
	// everything that runs goes; ExamSessions, the record and its pictures stay.
	// +optional
	// +kubebuilder:default="24h"
	// +kubebuilder:validation:XValidation:rule="!self.matches('^-')",message="ttlAfterFinished must not be negative, for example 24h"
	// +kubebuilder:validation:Pattern=`^-?([0-9]+(\.[0-9]+)?(ms|s|m|h))+$`
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:Type=string
	TTLAfterFinished *metav1.Duration `json:"ttlAfterFinished,omitempty"`
}

// Schedule is when an exam runs: from startTime for duration, or until endTime.
//
// +kubebuilder:validation:XValidation:rule="!(has(self.duration) && has(self.endTime))",message="set either duration or endTime, not both"
// +kubebuilder:validation:XValidation:rule="!has(self.startTime) || !has(self.endTime) || self.endTime > self.startTime",message="endTime must be after startTime"
type Schedule struct {
	// startTime is when the exam begins (RFC 3339). Absent: at once.
	// +optional
	StartTime *metav1.Time `json:"startTime,omitempty"`

	// duration is how long the exam runs after startTime, for example 2h or
	// 1h30m. Absent, with no endTime either: until the Exam is deleted.
	// +optional
	// +kubebuilder:validation:XValidation:rule="!self.matches('^-') && duration(self) > duration('0s')",message="duration must be positive, for example 2h or 1h30m"
	// +kubebuilder:validation:Pattern=`^-?([0-9]+(\.[0-9]+)?(ms|s|m|h))+$`
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:Type=string
	Duration *metav1.Duration `json:"duration,omitempty"`

	// endTime is when the exam ends (RFC 3339), instead of duration.
	// +optional
	EndTime *metav1.Time `json:"endTime,omitempty"`

	// warmup is how long before startTime the infrastructure is brought up.
	// +optional
	// +kubebuilder:default="15m"
	// +kubebuilder:validation:XValidation:rule="!self.matches('^-')",message="warmup must not be negative, for example 15m"
	// +kubebuilder:validation:Pattern=`^-?([0-9]+(\.[0-9]+)?(ms|s|m|h))+$`
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:Type=string
	Warmup *metav1.Duration `json:"warmup,omitempty"`

	// grace is how long after a student's end their page may still send what it has.
	// +optional
	// +kubebuilder:default="30s"
	// +kubebuilder:validation:XValidation:rule="!self.matches('^-') && duration(self) <= duration('10m')",message="grace must be between 0s and 10m"
	// +kubebuilder:validation:Pattern=`^-?([0-9]+(\.[0-9]+)?(ms|s|m|h))+$`
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:Type=string
	Grace *metav1.Duration `json:"grace,omitempty"`
}

// Roster is the list of enrolled students, inline or in a Secret.
//
// +kubebuilder:validation:XValidation:rule="has(self.students) != has(self.secretRef)",message="set exactly one of students and secretRef"
type Roster struct {
	// students lists the enrolled students inline. For more than 2,000, or to
	// keep names out of the Exam, use secretRef.
	// +optional
	// +listType=map
	// +listMapKey=id
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=2000
	Students []Student `json:"students,omitempty"`

	// secretRef names a Secret in the Exam's namespace that holds the roster.
	// +optional
	SecretRef *RosterSecretRef `json:"secretRef,omitempty"`
}

// Student is one enrolled student.
type Student struct {
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

	// extraTime is added to the student's end, for example 15m; at most 24h.
	// +optional
	// +kubebuilder:validation:XValidation:rule="duration(self) <= duration('24h')",message="extraTime must be at most 24h"
	// +kubebuilder:validation:Pattern=`^([0-9]+(\.[0-9]+)?(ms|s|m|h))+$`
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:Type=string
	ExtraTime *metav1.Duration `json:"extraTime,omitempty"`

	// policyOverrides change single rules of the policy for this student.
	// +optional
	// +listType=map
	// +listMapKey=type
	// +kubebuilder:validation:MaxItems=8
	PolicyOverrides []PolicyOverride `json:"policyOverrides,omitempty"`
}

// PolicyOverride changes the rule of one violation type for one student; what is
// absent stays as the policy has it.
type PolicyOverride struct {
	// type that the override is for.
	// +required
	Type ViolationType `json:"type,omitempty"`

	// disabled leaves this type out of detection and score when it is true.
	// +optional
	Disabled *bool `json:"disabled,omitempty"`

	// weight that each counted violation adds, 0 to 100.
	// +optional
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=100
	Weight *int32 `json:"weight,omitempty"`

	// mustLast is how long the sign must last before it is a violation, at most 10m.
	// +optional
	// +kubebuilder:validation:XValidation:rule="duration(self) <= duration('10m')",message="mustLast must be at most 10m"
	// +kubebuilder:validation:Pattern=`^([0-9]+(\.[0-9]+)?(ms|s|m|h))+$`
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:Type=string
	MustLast *metav1.Duration `json:"mustLast,omitempty"`
}

// RosterSecretRef points at a roster of at most 5,000 students in a Secret.
type RosterSecretRef struct {
	// name of the Secret, in the Exam's namespace.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	Name string `json:"name,omitempty"`

	// key in the Secret. A key that ends in .json is read as a JSON array of
	// students as above; any other as CSV with a header line: id, and name,
	// extraTime and disabled in any order.
	// +optional
	// +kubebuilder:default="roster.csv"
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	Key string `json:"key,omitempty"`
}

// Media sizes the media plane.
type Media struct {
	// studentsPerPod is how many students one SFU pod takes.
	// +optional
	// +kubebuilder:default=100
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=1000
	StudentsPerPod int32 `json:"studentsPerPod,omitempty"`

	// spares is how many SFU pods are added beyond what the roster needs, so
	// that students have somewhere to go when one is lost.
	// +optional
	// +kubebuilder:default=1
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=10
	Spares *int32 `json:"spares,omitempty"`

	// resources of each SFU pod. Default: requests computed from studentsPerPod.
	// +optional
	Resources *corev1.ResourceRequirements `json:"resources,omitempty"`

	// iceServers are STUN and TURN servers that students' browsers may use to reach
	// the SFU pods, for networks that let through neither UDP nor TCP to them.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=4
	IceServers []IceServer `json:"iceServers,omitempty"`
}

// IceServer is one STUN or TURN server. Students get passwords of their own that
// end with their exam (username EXPIRY:STUDENT, as use-auth-secret of coturn and
// draft-uberti-behave-turn-rest have it), and never the secret.
//
// +kubebuilder:validation:XValidation:rule="self.urls.all(u, u.startsWith('turn')) || self.urls.all(u, u.startsWith('stun'))",message="urls must be all of TURN or all of STUN"
// +kubebuilder:validation:XValidation:rule="has(self.secretRef) == self.urls.exists(u, u.startsWith('turn'))",message="secretRef must be set for turn: and turns: URLs, and only for these"
type IceServer struct {
	// urls of the server, for example turn:turn.example.org:3478?transport=udp.
	// +required
	// +listType=atomic
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=4
	// +kubebuilder:validation:items:MaxLength=255
	// +kubebuilder:validation:XValidation:rule="self.all(u, u.matches('^(stuns?:[][A-Za-z0-9.:_-]+|turns?:[][A-Za-z0-9.:_-]+([?]transport=(udp|tcp))?)$'))",message="each URL must be stun:HOST:PORT, stuns:HOST:PORT, turn:HOST:PORT or turns:HOST:PORT; the last two may end in ?transport=udp or ?transport=tcp"
	URLs []string `json:"urls,omitempty"`

	// secretRef names the secret that the TURN server knows, too (coturn:
	// static-auth-secret).
	// +optional
	SecretRef *IceSecretRef `json:"secretRef,omitempty"`
}

// IceSecretRef points at a TURN server's shared secret.
type IceSecretRef struct {
	// name of the Secret, in the Exam's namespace.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	Name string `json:"name,omitempty"`

	// key in the Secret.
	// +optional
	// +kubebuilder:default="secret"
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	Key string `json:"key,omitempty"`
}

// Scoring sizes the scoring service.
type Scoring struct {
	// resources of the scoring pod.
	// +optional
	Resources *corev1.ResourceRequirements `json:"resources,omitempty"`
}

// Redis is the store of the exam's sessions: a StatefulSet of one pod, managed
// by the operator, with an append-only file and a generated password.
//
// +kubebuilder:validation:XValidation:rule="has(self.storageClassName) == has(oldSelf.storageClassName) && (!has(self.storageClassName) || self.storageClassName == oldSelf.storageClassName)",message="storageClassName cannot be changed: the volume is made once"
type Redis struct {
	// storage is the size of the volume that holds the append-only file.
	// +optional
	// +kubebuilder:default="1Gi"
	// +kubebuilder:validation:XValidation:rule="self == oldSelf",message="storage cannot be changed: the volume is made once"
	Storage *resource.Quantity `json:"storage,omitempty"`

	// storageClassName of that volume. Absent: the cluster's default class.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	StorageClassName *string `json:"storageClassName,omitempty"`

	// resources of the Redis pod.
	// +optional
	Resources *corev1.ResourceRequirements `json:"resources,omitempty"`
}

// ExamStatus is what the operator observed. It is bounded: per-student detail
// stands in ExamSessions.
type ExamStatus struct {
	// observedGeneration is the spec generation that this status answers.
	// +optional
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`

	// conditions of the exam; the types and reasons are constants of this API.
	// +optional
	// +listType=map
	// +listMapKey=type
	// +kubebuilder:validation:MaxItems=16
	Conditions []metav1.Condition `json:"conditions,omitempty"`

	// plan is what the operator computed from the roster.
	// +optional
	Plan *Plan `json:"plan,omitempty"`

	// students counts the sessions by what they are doing.
	// +optional
	Students StudentCounts `json:"students,omitzero"`

	// scores summarises the proctoring scores. It is written when it is 0, too,
	// so that a column of zeros is told from one that is not known.
	// +optional
	Scores ScoreSummary `json:"scores"`

	// violations totals the counted violations by type.
	// +optional
	// +listType=map
	// +listMapKey=type
	// +kubebuilder:validation:MaxItems=8
	Violations []ViolationTotal `json:"violations,omitempty"`

	// shards lists the SFU pods.
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=64
	Shards []ShardStatus `json:"shards,omitempty"`

	// shardsReady is the number of SFU pods that accept students, of those
	// planned, as in 2/3.
	// +optional
	// +kubebuilder:validation:MaxLength=16
	ShardsReady string `json:"shardsReady,omitempty"`

	// watchlist names the sessions with the highest scores, worst first.
	// +optional
	// +listType=map
	// +listMapKey=student
	// +kubebuilder:validation:MaxItems=20
	Watchlist []WatchlistEntry `json:"watchlist,omitempty"`

	// evidence is what is recorded of the exam.
	// +optional
	Evidence *EvidenceStatus `json:"evidence,omitempty"`

	// url is the address of the exam inside the cluster; students' links are in
	// the Secrets named <exam>-links-N.
	// +optional
	// +kubebuilder:validation:MaxLength=2000
	URL string `json:"url,omitempty"`

	// dashboardURL is the address of the invigilators' wall inside the cluster. It
	// shows nothing without a token; `kubectl exam open EXAM --wall` opens it with one.
	// +optional
	// +kubebuilder:validation:MaxLength=2000
	DashboardURL string `json:"dashboardURL,omitempty"`

	// startTime is when the exam began or will begin.
	// +optional
	StartTime *metav1.Time `json:"startTime,omitempty"`

	// endTime is when the exam ends; absent while it has no end.
	// +optional
	EndTime *metav1.Time `json:"endTime,omitempty"`

	// tornDownTime is when everything that ran for the exam was given up.
	// +optional
	TornDownTime *metav1.Time `json:"tornDownTime,omitempty"`
}

// Plan is the infrastructure that the roster needs.
type Plan struct {
	// pods is the number of SFU pods, spares included.
	// +required
	// +kubebuilder:validation:Minimum=0
	Pods int32 `json:"pods"`

	// spares is how many of those are spares.
	// +required
	// +kubebuilder:validation:Minimum=0
	Spares int32 `json:"spares"`

	// studentsPerPod is how many students each pod is sized for.
	// +required
	// +kubebuilder:validation:Minimum=0
	StudentsPerPod int32 `json:"studentsPerPod"`

	// cpu requested by all SFU pods together.
	// +optional
	CPU *resource.Quantity `json:"cpu,omitempty"`

	// ingressKbps is the media that all students together send, in kbit/s.
	// +required
	// +kubebuilder:validation:Minimum=0
	IngressKbps int64 `json:"ingressKbps"`
}

// StudentCounts counts sessions.
type StudentCounts struct {
	// enrolled is the number of students on the roster.
	// +optional
	Enrolled int32 `json:"enrolled"`

	// joined is the number of students who have joined at least once.
	// +optional
	Joined int32 `json:"joined"`

	// streaming is the number whose camera the SFU receives now.
	// +optional
	Streaming int32 `json:"streaming"`

	// interrupted is the number who were live and are not seen now.
	// +optional
	Interrupted int32 `json:"interrupted"`

	// finished is the number whose session has ended.
	// +optional
	Finished int32 `json:"finished"`

	// flagged is the number at level suspicious or critical.
	// +optional
	Flagged int32 `json:"flagged"`
}

// ScoreSummary summarises scores over all sessions.
type ScoreSummary struct {
	// highest score of any session, 0 to 100.
	// +optional
	Highest int32 `json:"highest"`

	// mean score over the sessions that joined, rounded down, 0 to 100.
	// +optional
	Mean int32 `json:"mean"`
}

// ViolationTotal is the number of counted violations of one type.
type ViolationTotal struct {
	// type of the violation.
	// +required
	Type ViolationType `json:"type,omitempty"`

	// count over all sessions.
	// +required
	// +kubebuilder:validation:Minimum=0
	Count int64 `json:"count"`
}

// ShardStatus is one SFU pod.
type ShardStatus struct {
	// name of the pod.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	Name string `json:"name,omitempty"`

	// address is the host and port that students send media to.
	// +optional
	// +kubebuilder:validation:MaxLength=300
	Address string `json:"address,omitempty"`

	// ready is true while the pod accepts students.
	// +required
	Ready bool `json:"ready"`

	// streaming is the number of students it receives now.
	// +optional
	Streaming int32 `json:"streaming"`
}

// WatchlistEntry is one session worth looking at.
type WatchlistEntry struct {
	// student is the student's id.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=128
	Student string `json:"student,omitempty"`

	// session is the name of the ExamSession.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	Session string `json:"session,omitempty"`

	// score of the session, 0 to 100.
	// +required
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=100
	Score int32 `json:"score"`

	// level that the score reaches.
	// +required
	Level Level `json:"level,omitempty"`
}
