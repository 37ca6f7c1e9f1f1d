package wire

// WallConfig answers GET wall: what an invigilator's page has to know before it
// shows anybody. Everything that changes comes by the feed.
type WallConfig struct {
	Exam   ExamInfo `json:"exam"`
	Policy Policy   `json:"policy"`
	// Evidence says what is kept; absent: nothing, and records have no entries.
	Evidence *EvidenceConfig `json:"evidence,omitempty"`
	// IceServers are for the PeerConnections to the pods.
	IceServers []IceServer `json:"iceServers"`
	Tiles      TileLimits  `json:"tiles"`
}

// CloseNoShard is the close code of a passed-on slot viewer that names no pod.
const CloseNoShard = 4404

// TileLimits are the numbers by which a wall decides whose camera it watches.
type TileLimits struct {
	// SlotsPerShard is how many students of one pod are watched at the same time:
	// one PeerConnection has so many video sections.
	SlotsPerShard int `json:"slotsPerShard"`
	// Warm is how many tiles before and after those in sight have a slot already.
	Warm int `json:"warm"`
	// OffscreenGraceMs is for how long a tile that went out of sight keeps its slot,
	// unless another one needs it.
	OffscreenGraceMs int64 `json:"offscreenGraceMs"`
	// AttachTimeoutMs is how long a tile may wait for its first frame once the pod
	// says that it plays, and AttachRetries how often it then asks again before it
	// says that there is no picture.
	AttachTimeoutMs int64 `json:"attachTimeoutMs"`
	AttachRetries   int   `json:"attachRetries"`
}
