package wire

// Streams answers GET /internal/v1/streams on an SFU pod. With ?since=VERSION
// and ?wait=SECONDS the SFU holds the answer until the version is another one.
type Streams struct {
	// Version changes whenever a stream appears, goes, or its Receiving or Wanted
	// changes.
	Version string `json:"version"`
	Shard   string `json:"shard"`
	Ready   bool   `json:"ready"`
	// Draining: the pod takes nobody any more, and its publishers must move.
	Draining bool     `json:"draining,omitempty"`
	Streams  []Stream `json:"streams"`
}

// Stream is one publisher.
type Stream struct {
	Student string `json:"student"`
	// Session is the id of the media session on the SFU.
	Session string `json:"session"`
	// Since is when the publisher connected.
	Since int64 `json:"since"`
	// Receiving is true while media packets arrive (within the last 3 s).
	Receiving bool   `json:"receiving"`
	Packets   uint64 `json:"packets"`
	Bytes     uint64 `json:"bytes"`
	// Limited: packets above the pod's bitrate bound are being dropped.
	Limited bool `json:"limited,omitempty"`
	// Wanted is what viewers want of the student now; see WantedMedia.
	Wanted WantedMedia `json:"wanted"`
	// What the SFU itself saw in the last key frame that it looked at, as often as
	// its operator says. All are absent while it has not looked, or cannot decode the
	// stream.

	// Luminance is the mean luma, 0 to 255.
	Luminance *float64 `json:"luminance,omitempty"`
	// Sharpness is the variance of the scaled luma's Laplacian.
	Sharpness *float64 `json:"sharpness,omitempty"`
	// StillMs is how long the picture has looked the same, 0 if it moves.
	StillMs *int64 `json:"stillMs,omitempty"`
}

// Drain asks an SFU pod to empty itself, and tells how far it is.
type Drain struct {
	// DeadlineMs is how long publishers have to move, 0 to 600000.
	DeadlineMs int64 `json:"deadlineMs"`
	// Sessions is how many publishers are left; in answers only.
	Sessions int `json:"sessions"`
}

// WantedMedia is what a student's page is told to send. What nobody watches is
// not worth its upload, its battery, or the pod's CPU.
type WantedMedia string

// What may be wanted.
const (
	// WantedTrickle: nobody watches. The low layer at about one frame a second,
	// for evidence.
	WantedTrickle WantedMedia = "trickle"
	// WantedLow: the low layer only.
	WantedLow WantedMedia = "low"
	// WantedHigh: all layers.
	WantedHigh WantedMedia = "high"
)

// Sessions answers GET /internal/v1/sessions on scoring. With ?since=CURSOR it
// holds only what changed after that cursor, and with ?wait=SECONDS the answer
// is held until there is something.
type Sessions struct {
	Cursor string `json:"cursor"`
	// Full is true when Sessions holds every session: after a restart, or when
	// the cursor is unknown.
	Full bool `json:"full"`
	// StoreAvailable is whether scoring reaches Redis.
	StoreAvailable bool      `json:"storeAvailable"`
	Sessions       []Session `json:"sessions"`
	// Shards is scoring's own view of the SFU pods.
	Shards []ShardHealth `json:"shards"`
	// Evidence is absent where none is kept.
	Evidence *EvidenceStatus `json:"evidence,omitempty"`
}

// EvidenceStatus is how an exam's evidence does.
type EvidenceStatus struct {
	// Records and Pictures are in the bucket, Backlog entries wait for it.
	Records  int64 `json:"records"`
	Pictures int64 `json:"pictures"`
	Backlog  int   `json:"backlog"`
	// SealedAt and Head, the SHA-256 of sealed.json in hex: absent until then.
	SealedAt int64  `json:"sealedAt,omitempty"`
	Head     string `json:"head,omitempty"`
	// ExpiredAt is when pictures were deleted last, as retention has it.
	ExpiredAt int64 `json:"expiredAt,omitempty"`
	// Failing is why the bucket cannot be written, for people; "" if it can.
	Failing string `json:"failing,omitempty"`
}

// Session is the state of one student's session.
type Session struct {
	Student       string           `json:"student"`
	State         string           `json:"state"`
	Streaming     bool             `json:"streaming"`
	Score         int              `json:"score"`
	Level         string           `json:"level"`
	Violations    []ViolationCount `json:"violations,omitempty"`
	Shard         string           `json:"shard,omitempty"`
	JoinedAt      int64            `json:"joinedAt,omitempty"`
	LastSeenAt    int64            `json:"lastSeenAt,omitempty"`
	PolicyVersion string           `json:"policyVersion,omitempty"`
}

// ViolationCount counts one type.
type ViolationCount struct {
	Type   string `json:"type"`
	Count  int    `json:"count"`
	LastAt int64  `json:"lastAt"`
}

// ShardHealth is how scoring sees one SFU pod.
type ShardHealth struct {
	Name      string `json:"name"`
	Ready     bool   `json:"ready"`
	Streaming int    `json:"streaming"`
}
