package wire

import "encoding/json"

// ExamConfig is everything that scoring knows of its exam. The operator writes
// it as exam.json into the Secret <exam>-config; scoring reads it from a mounted
// file and again when that file changes.
type ExamConfig struct {
	Namespace  string `json:"namespace"`
	Name       string `json:"name"`
	Title      string `json:"title"`
	ContentURL string `json:"contentURL,omitempty"`
	// ContentPlacement is where the quiz is shown: "Frame", also if absent, or "Tab".
	ContentPlacement string `json:"contentPlacement,omitempty"`
	// OpensAt is when students may join, StartsAt when the exam begins and
	// EndsAt when it ends. 0: at once, at once, never.
	OpensAt  int64 `json:"opensAt,omitempty"`
	StartsAt int64 `json:"startsAt,omitempty"`
	EndsAt   int64 `json:"endsAt,omitempty"`
	// GraceMs is how long after its end a session may still send what it has.
	GraceMs  int64     `json:"graceMs,omitempty"`
	Students []Student `json:"students"`
	Policy   Policy    `json:"policy"`
	// FaceModel is the one that pages are offered; absent: none.
	FaceModel *FaceModel `json:"faceModel,omitempty"`
	// IceServers are offered to students' pages.
	IceServers []IceServerConfig `json:"iceServers,omitempty"`
	// Invigilators is who may watch and act; absent: nobody.
	Invigilators *Invigilators `json:"invigilators,omitempty"`
	// Evidence says how long it is kept; where, scoring's own flags say. Absent:
	// nothing is recorded.
	Evidence *EvidenceConfig `json:"evidence,omitempty"`
}

// FaceModel is a face_landmarker.task that scoring serves, if it finds it where its
// flag says.
type FaceModel struct {
	// SHA256 of the file, in hex.
	SHA256 string `json:"sha256"`
}

// IceServerConfig is a STUN or TURN server of an exam.
type IceServerConfig struct {
	URLs []string `json:"urls"`
	// Secret is what passwords for the TURN server are made of; "": it wants none.
	Secret string `json:"secret,omitempty"`
}

// EvidenceConfig is what is recorded of an exam, and for how long.
type EvidenceConfig struct {
	// RetentionMs is how long after the exam's end its pictures are kept; records
	// stay. 0: until somebody deletes them.
	RetentionMs int64 `json:"retentionMs,omitempty"`
	// PictureEveryMs is the mean time between two pictures that the SFU takes of a
	// streaming student at random moments. 0: none.
	PictureEveryMs int64 `json:"pictureEveryMs,omitempty"`
}

// Invigilators says how their tokens are checked: ServiceAccount tokens of the
// cluster, so that who may get one is a matter of RBAC.
type Invigilators struct {
	// Issuer and Audience that a token must have.
	Issuer   string `json:"issuer"`
	Audience string `json:"audience"`
	// Subject, such as system:serviceaccount:<namespace>:<name>.
	Subject string `json:"subject"`
	// Keys are the issuer's public keys, a JSON Web Key Set (RFC 7517).
	Keys json.RawMessage `json:"keys"`
}

// Student is one roster entry.
type Student struct {
	ID   string `json:"id"`
	Name string `json:"name"`
	// ExtraTimeMs is added to the student's end.
	ExtraTimeMs int64 `json:"extraTimeMs,omitempty"`
	// Accommodations are where the policy is another one for the student, by
	// violation type.
	Accommodations map[string]Accommodation `json:"accommodations,omitempty"`
}

// Accommodation changes one violation type's rule for one student.
type Accommodation struct {
	// Disabled: the sign is none.
	Disabled bool `json:"disabled,omitempty"`
	// Weight and MustLastMs take the rule's place.
	Weight     *int   `json:"weight,omitempty"`
	MustLastMs *int64 `json:"mustLastMs,omitempty"`
}

// Policy is the exam's policy with every default filled in.
type Policy struct {
	// Version changes whenever anything else in the policy does.
	Version          string          `json:"version"`
	ReportIntervalMs int64           `json:"reportIntervalMs"`
	Violations       []ViolationRule `json:"violations"`
	Caps             map[string]int  `json:"caps"`
	Levels           Levels          `json:"levels"`
	// Thresholds of the page's face detector, by name; those left out keep the page's
	// defaults.
	Thresholds map[string]float64 `json:"thresholds,omitempty"`
	// FaceModel is the path below the page of a model for its second engine. Scoring
	// says it to pages once it has that model; it is no part of Version.
	FaceModel string `json:"faceModel,omitempty"`
}

// ViolationRule is one violation type's scoring.
type ViolationRule struct {
	Type       string `json:"type"`
	Severity   string `json:"severity"`
	Weight     int    `json:"weight"`
	TTLMs      int64  `json:"ttlMs"`
	MustLastMs int64  `json:"mustLastMs"`
}

// Levels are the scores from which on a level holds.
type Levels struct {
	Watch      int `json:"watch"`
	Suspicious int `json:"suspicious"`
	Critical   int `json:"critical"`
}

// Shards is the content of shards.json in the ConfigMap <exam>-shards: where
// each SFU pod is reached. The operator writes it, SFU pods and scoring read it.
type Shards struct {
	Shards []Shard `json:"shards"`
}

// Shard is one SFU pod.
type Shard struct {
	// Name of the pod.
	Name string `json:"name"`
	// URL of its internal HTTP server, inside the cluster.
	URL string `json:"url"`
	// Addresses that students send media to; empty until they are known.
	Addresses []Address `json:"addresses,omitempty"`
}

// Address is one announced media address.
type Address struct {
	IP   string `json:"ip"`
	Port uint16 `json:"port"`
}
