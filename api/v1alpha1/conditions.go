package v1alpha1

// Condition types of an Exam. Each carries observedGeneration.
const (
	// ConditionReady is always present once the operator has seen the Exam. True
	// while students can join and be seen; its reason says where the exam stands
	// (the Reason constants below) and is the STATUS column.
	ConditionReady = "Ready"

	// ConditionReconciling (abnormal-true) is present while the operator works
	// towards the spec; kstatus reads it.
	ConditionReconciling = "Reconciling"

	// ConditionStalled (abnormal-true) is present while the operator cannot go
	// on until somebody changes the Exam, its roster or a foreign object.
	ConditionStalled = "Stalled"

	// ConditionInSession is True while students may be in the exam: nothing that
	// runs for it is moved or replaced then. Its reason says where the exam stands
	// by its dates, whether its parts work or not.
	ConditionInSession = "InSession"

	// ConditionUpdateHeld (abnormal-true) is present while a change of the exam's
	// pods waits for its end, since it would replace pods that students need.
	ConditionUpdateHeld = "UpdateHeld"

	// ConditionColocated (abnormal-true) is present while one node carries scoring
	// and SFU pods, which then compete for it.
	ConditionColocated = "Colocated"

	// ConditionMediaAvailable is True while at least as many SFU pods are ready
	// as the roster needs, spares not counted.
	ConditionMediaAvailable = "MediaAvailable"

	// ConditionScoringAvailable is True while the scoring service answers.
	ConditionScoringAvailable = "ScoringAvailable"

	// ConditionStoreAvailable is True while Redis is ready and scoring is
	// connected to it. False does not end an exam: scores go on from memory.
	ConditionStoreAvailable = "StoreAvailable"

	// ConditionEvidenceSealed is present where evidence is asked for. True once it
	// is sealed, which happens after the exam's end: nothing can be added then.
	ConditionEvidenceSealed = "EvidenceSealed"

	// ConditionEvidenceFailing (abnormal-true) is present while evidence cannot be
	// written, or its volume not be made as the spec wants it. The exam goes on.
	ConditionEvidenceFailing = "EvidenceFailing"
)

// Reasons of the Ready condition that follow the exam's course. Those that are no
// matter of parts are reasons of InSession as well.
const (
	// ReasonScheduled (Ready False): warm-up has not begun.
	ReasonScheduled = "Scheduled"
	// ReasonWarmingUp (Ready False): the infrastructure is coming up.
	ReasonWarmingUp = "WarmingUp"
	// ReasonOpen (Ready True): students may join; the exam has not begun.
	ReasonOpen = "Open"
	// ReasonLive (Ready True): the exam runs.
	ReasonLive = "Live"
	// ReasonFinishing (Ready True): the exam's end has passed, and students with
	// extra time go on.
	ReasonFinishing = "Finishing"
	// ReasonFinished (Ready False): the last student's end has passed. InSession
	// says what is left of the exam.
	ReasonFinished = "Finished"
	// ReasonDegraded (Ready False): the exam runs, but a part that students
	// need is not available; the message names it.
	ReasonDegraded = "Degraded"
	// ReasonTerminating (Ready False): the Exam is being deleted.
	ReasonTerminating = "Terminating"
)

// Reasons of the InSession condition, False, when the exam is over.
const (
	// ReasonMissed: the end passed before anything was made for the exam.
	ReasonMissed = "Missed"
	// ReasonTornDown: nothing runs for the exam; its records and pictures stay.
	ReasonTornDown = "TornDown"
	// ReasonPurging: spec.evidence.retention has passed, and pictures are deleted.
	ReasonPurging = "Purging"
	// ReasonPurged: there are no pictures any more.
	ReasonPurged = "Purged"
)

// Reasons that stall an Exam until somebody acts (Stalled True, Ready False).
const (
	// ReasonRosterSecretNotFound: spec.roster.secretRef names no Secret or key.
	ReasonRosterSecretNotFound = "RosterSecretNotFound"
	// ReasonRosterInvalid: the roster cannot be read; the message names the line.
	ReasonRosterInvalid = "RosterInvalid"
	// ReasonScheduleRefused: spec.schedule asks for what the clock forbids, such as
	// another start of an exam that has begun. It goes on with the dates it had.
	ReasonScheduleRefused = "ScheduleRefused"
	// ReasonIceSecretNotFound: spec.media.iceServers names no Secret or key, or an
	// empty one. The exam goes on without that server.
	ReasonIceSecretNotFound = "IceSecretNotFound"
	// ReasonTooManyPods: the roster needs more SFU pods than an Exam may have;
	// raise spec.media.studentsPerPod.
	ReasonTooManyPods = "TooManyPods"
	// ReasonKeysInvalid: the Secret <exam>-keys, <exam>-redis or <exam>-evidence
	// has lost what it was made with. It is never made anew by itself, since that
	// would void every link, or leave a record that nobody can seal; restore it,
	// or, but for evidence, delete it to get new keys.
	ReasonKeysInvalid = "KeysInvalid"
	// ReasonObjectNotOwned: an object of a needed name exists and belongs to
	// somebody else; the message names it.
	ReasonObjectNotOwned = "ObjectNotOwned"
	// ReasonApplyRejected: the API server refused an object that the spec asks
	// for (quota, admission, an invalid value); the message has its words.
	ReasonApplyRejected = "ApplyRejected"
)

// Reasons of the other conditions.
const (
	// ReasonAvailable: the part works.
	ReasonAvailable = "Available"
	// ReasonUnavailable: the part does not work (yet); the message says why.
	ReasonUnavailable = "Unavailable"
	// ReasonProgressing: the operator works towards the spec.
	ReasonProgressing = "Progressing"
	// ReasonTransientError: an attempt failed and is repeated.
	ReasonTransientError = "TransientError"
	// ReasonExamInSession (UpdateHeld True): students may be in the exam.
	ReasonExamInSession = "ExamInSession"
	// ReasonSharedNode (Colocated True): a node carries both; the message names it.
	ReasonSharedNode = "SharedNode"
	// ReasonRecording (EvidenceSealed False): the record is still added to.
	ReasonRecording = "Recording"
	// ReasonSealed (EvidenceSealed True): nothing can be added any more.
	ReasonSealed = "Sealed"
	// ReasonNotRecorded (EvidenceSealed False): the exam ran before its operator
	// kept evidence, and a record does not begin in the middle.
	ReasonNotRecorded = "NotRecorded"
)

// Reasons of events that are no condition's reason.
const (
	// EventRosterChanged: students were added to or removed from the roster.
	EventRosterChanged = "RosterChanged"
	// EventScaled: the number of SFU pods was changed.
	EventScaled = "Scaled"
	// EventUpdateHeld: a change of pods waits for the exam's end since just now.
	EventUpdateHeld = "UpdateHeld"
	// EventColocated: a node carries scoring and SFU pods since just now.
	EventColocated = "Colocated"
	// EventEvidenceFailing: evidence cannot be written since just now.
	EventEvidenceFailing = "EvidenceFailing"
)
