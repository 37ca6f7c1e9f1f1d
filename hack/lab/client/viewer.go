package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"github.com/coder/websocket"
	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"

	"github.com/invigil/invigil/internal/wire"
)

// viewReadLimit is for the answer, which has a section per slot.
const viewReadLimit = 1 << 20

// ViewerConfig is what a viewer needs to know.
type ViewerConfig struct {
	// URL of the pod's slot viewer, http or ws.
	URL string
	// Grant is the bearer token: audience token.View, for the pod's shard.
	Grant string
	// Slots is how many students can be watched at the same time.
	Slots int

	// HTTPClient dials; nil: http.DefaultClient.
	HTTPClient *http.Client
	// OnPacket, which may be nil, is called for each RTP packet that arrives, one at
	// a time in each slot. The packet must not be kept.
	OnPacket func(slot int, packet *rtp.Packet)
	// OnEvent, which may be nil, is called for each event after the answer, one at a
	// time.
	OnEvent func(wire.ViewEvent)

	// API makes the PeerConnection, as Configuration says; nil: it gets a UDP socket
	// of its own.
	API           *webrtc.API
	Configuration webrtc.Configuration
}

// Viewer is one WebSocket and one PeerConnection that show as many students as
// there are slots.
type Viewer struct {
	*connection

	config ViewerConfig
	// slots by receiver.
	slots  map[*webrtc.RTPReceiver]int
	socket *websocket.Conn
	// done is closed when the socket has ended, with err.
	done chan struct{}
	err  error
}

// NewViewer returns a viewer that is not connected yet.
func NewViewer(config ViewerConfig) (*Viewer, error) {
	if config.OnPacket == nil {
		config.OnPacket = func(int, *rtp.Packet) {}
	}

	if config.OnEvent == nil {
		config.OnEvent = func(wire.ViewEvent) {}
	}

	base, err := viewerConnection(config)
	if err != nil {
		return nil, err
	}

	v := &Viewer{
		connection: base,
		config:     config,
		slots:      map[*webrtc.RTPReceiver]int{},
		done:       make(chan struct{}),
	}

	for slot := range config.Slots {
		transceiver, err := v.AddTransceiverFromKind(webrtc.RTPCodecTypeVideo, webrtc.RTPTransceiverInit{
			Direction: webrtc.RTPTransceiverDirectionRecvonly,
		})
		if err != nil {
			return nil, errors.Join(fmt.Errorf("add slot %d: %w", slot, err), v.connection.Close())
		}

		v.slots[transceiver.Receiver()] = slot
	}

	v.OnTrack(v.receive)

	return v, nil
}

func viewerConnection(config ViewerConfig) (*connection, error) {
	if config.API == nil {
		options, err := receiving()
		if err != nil {
			return nil, err
		}

		return newConnection(options...)
	}

	peer, err := config.API.NewPeerConnection(config.Configuration)
	if err != nil {
		return nil, fmt.Errorf("new peer connection: %w", err)
	}

	return &connection{PeerConnection: peer}, nil
}

// receive reads what arrives in a slot, and lets pion see the server's reports.
func (v *Viewer) receive(track *webrtc.TrackRemote, receiver *webrtc.RTPReceiver) {
	slot := v.slots[receiver]

	v.read(func() { Receive(track, func(packet *rtp.Packet) { v.config.OnPacket(slot, packet) }) })
	v.read(func() {
		report := make([]byte, maxDatagram)

		for {
			if _, _, err := receiver.Read(report); err != nil {
				return
			}
		}
	})
}

// Connect opens the socket, offers, and applies the answer; the PeerConnection
// then connects by itself. It may be called once, and Close is due even if it
// fails. Errors: *Error (refused), or what failed.
func (v *Viewer) Connect(ctx context.Context) error {
	offer, err := Offer(ctx, v.PeerConnection)
	if err != nil {
		return err
	}

	socket, err := dial(ctx, v.config.URL, &websocket.DialOptions{
		HTTPClient:   v.config.HTTPClient,
		HTTPHeader:   http.Header{"Authorization": {"Bearer " + v.config.Grant}},
		Subprotocols: []string{wire.ViewSubprotocol},
	})
	if err != nil {
		return err
	}

	socket.SetReadLimit(viewReadLimit)

	if err := negotiate(ctx, socket, v.PeerConnection, offer); err != nil {
		return errors.Join(err, socket.CloseNow())
	}

	v.socket = socket

	// It outlives ctx, and ends with the socket.
	go v.listen(context.WithoutCancel(ctx))

	return nil
}

func negotiate(ctx context.Context, socket *websocket.Conn, peer *webrtc.PeerConnection, offer string) error {
	if err := send(ctx, socket, wire.ViewCommand{Type: "offer", SDP: offer}); err != nil {
		return err
	}

	event, err := nextEvent(ctx, socket)

	switch {
	case err != nil:
		return err
	case event.Error != nil:
		return &Error{Body: *event.Error}
	case event.Type != "answer":
		return fmt.Errorf("the offer is answered by %q", event.Type)
	default:
		return SetAnswer(peer, event.SDP)
	}
}

func nextEvent(ctx context.Context, socket *websocket.Conn) (event wire.ViewEvent, err error) {
	_, data, err := socket.Read(ctx)
	if err != nil {
		return event, fmt.Errorf("view socket: %w", err)
	}

	if err := json.Unmarshal(data, &event); err != nil {
		return event, fmt.Errorf("view socket: %w", err)
	}

	return event, nil
}

func (v *Viewer) listen(ctx context.Context) {
	defer close(v.done)

	for {
		event, err := nextEvent(ctx, v.socket)
		if err != nil {
			// If it was unreadable there is still a socket.
			v.err = errors.Join(err, v.socket.CloseNow())

			return
		}

		v.config.OnEvent(event)
	}
}

// Done is closed when the socket has ended after Connect; Err then says why,
// and websocket.CloseStatus finds the close code in it.
func (v *Viewer) Done() <-chan struct{} { return v.done }

// Err is nil until Done.
func (v *Viewer) Err() error {
	select {
	case <-v.done:
		return v.err
	default:
		return nil
	}
}

// Assign shows the student in the slot; the empty layer is the low one. Errors
// of this and the following commands: the socket has ended. What the pod says to
// them are events.
func (v *Viewer) Assign(ctx context.Context, slot int, student string, layer wire.Layer) error {
	return send(ctx, v.socket, wire.ViewCommand{Type: "assign", Slot: slot, Student: student, Layer: layer})
}

// Layer changes the layer of the slot.
func (v *Viewer) Layer(ctx context.Context, slot int, layer wire.Layer) error {
	return send(ctx, v.socket, wire.ViewCommand{Type: "layer", Slot: slot, Layer: layer})
}

// Pause stops the slot's packets; the student stays assigned.
func (v *Viewer) Pause(ctx context.Context, slot int) error {
	return send(ctx, v.socket, wire.ViewCommand{Type: "pause", Slot: slot})
}

// Resume undoes Pause.
func (v *Viewer) Resume(ctx context.Context, slot int) error {
	return send(ctx, v.socket, wire.ViewCommand{Type: "resume", Slot: slot})
}

// Release frees the slot.
func (v *Viewer) Release(ctx context.Context, slot int) error {
	return send(ctx, v.socket, wire.ViewCommand{Type: "release", Slot: slot})
}

// Close ends socket and PeerConnection and returns once nothing of them is left.
func (v *Viewer) Close() error {
	if v.socket != nil {
		// It may have ended before.
		_ = v.socket.Close(websocket.StatusNormalClosure, "")

		<-v.done
	}

	return v.connection.Close()
}
