package wire

// ViewSubprotocol is the WebSocket subprotocol of the slot viewer, version 1. A
// client that cannot set headers offers it together with "bearer." + view grant.
const ViewSubprotocol = "invigil.view.v1"

// Layer is a quality that a viewer asks for.
type Layer string

// The layers. A publisher with one layer has only LayerLow, which then stands
// for both.
const (
	LayerLow  Layer = "low"
	LayerHigh Layer = "high"
)

// SlotState is what a slot shows.
type SlotState string

// The states.
const (
	// SlotFree: nothing is assigned.
	SlotFree SlotState = "free"
	// SlotPending: a student is assigned and there is no picture to send yet;
	// Reason says why. It is fulfilled by itself.
	SlotPending SlotState = "pending"
	// SlotPlaying: the student's packets are sent.
	SlotPlaying SlotState = "playing"
	// SlotPaused: the viewer has paused it; the student stays assigned.
	SlotPaused SlotState = "paused"
)

// SlotReason is why a slot is pending: one of these, or the reason that the
// student's last session on this pod ended with.
type SlotReason string

// The reasons of a pending slot whose student has not left.
const (
	// SlotNotPublishing: the student has not published here yet.
	SlotNotPublishing SlotReason = "NotPublishing"
	// SlotNoKeyFrame: the student publishes, and no key frame has come yet, or the
	// viewer's PeerConnection is not up, so that none can be sent.
	SlotNoKeyFrame SlotReason = "NoKeyFrame"
)

// ViewCommand is what a viewer sends. Type says which other fields are read.
type ViewCommand struct {
	// Type: "offer" (SDP; the first message, once), "assign" (Slot, Student,
	// Layer), "layer" (Slot, Layer), "pause", "resume", "release" (Slot).
	Type string `json:"type"`
	SDP  string `json:"sdp,omitempty"`
	// Slot counts the offer's video sections from 0.
	Slot    int    `json:"slot"`
	Student string `json:"student,omitempty"`
	// Layer: low if absent.
	Layer Layer `json:"layer,omitempty"`
}

// ViewEvent is what the SFU sends to a viewer. Type says which other fields are
// set.
type ViewEvent struct {
	// Type: "answer" (SDP, Slots), "slot" (Slot and what follows it), "moved"
	// (the pod drains: assign the students elsewhere), "error" (Error, and Slot if
	// a command for one was refused).
	Type  string `json:"type"`
	SDP   string `json:"sdp,omitempty"`
	Slots int    `json:"slots,omitempty"`

	Slot    *int      `json:"slot,omitempty"`
	State   SlotState `json:"state,omitempty"`
	Student string    `json:"student,omitempty"`
	// Layer is the one that is sent, while playing.
	Layer Layer `json:"layer,omitempty"`
	// RTPTimestamp, while playing, is that of the first frame of what is shown now:
	// earlier ones are of whom the slot showed before.
	RTPTimestamp *uint32    `json:"rtpTimestamp,omitempty"`
	Reason       SlotReason `json:"reason,omitempty"`

	Error *Error `json:"error,omitempty"`
}

// CloseTransportFailed closes a viewer's socket when its PeerConnection has
// ended: reconnect and offer again.
const CloseTransportFailed = 4002
