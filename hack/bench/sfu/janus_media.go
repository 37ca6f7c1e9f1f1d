package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"

	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"

	"github.com/invigil/invigil/hack/lab/client"
)

// janusFeeds knows by what number Janus calls each student, and keeps their
// sockets.
type janusFeeds struct {
	mu      sync.Mutex
	numbers map[string]uint64
	sockets []*janusClient
}

func (f *janusFeeds) add(id string, number uint64, socket *janusClient) {
	f.mu.Lock()
	defer f.mu.Unlock()

	f.numbers[id] = number
	f.sockets = append(f.sockets, socket)
}

func (f *janusFeeds) number(id string) (uint64, error) {
	f.mu.Lock()
	defer f.mu.Unlock()

	number, ok := f.numbers[id]
	if !ok {
		return 0, fmt.Errorf("%s does not publish", id)
	}

	return number, nil
}

func (f *janusFeeds) close() {
	f.mu.Lock()
	defer f.mu.Unlock()

	for _, socket := range f.sockets {
		socket.close()
	}
}

// publish joins the room and sends the student's video; it returns the number of
// the feed.
func (c *janusClient) publish(ctx context.Context, id string, peer *webrtc.PeerConnection) (uint64, error) {
	offer, err := client.Offer(ctx, peer)
	if err != nil {
		return 0, err
	}

	joined, err := c.ask(ctx, janusBody{
		"request": "joinandconfigure", "ptype": "publisher", "room": janusRoom, "display": id,
	}, &janusSession{"offer", offer}, true)
	if err != nil {
		return 0, err
	}

	if joined.JSEP == nil {
		return 0, errors.New("the offer is not answered")
	}

	return joined.PluginData.Data.ID, client.SetAnswer(peer, joined.JSEP.SDP)
}

// janusView is a subscriber with a stream per slot.
type janusView struct {
	*janusClient

	feeds *janusFeeds
	peer  *webrtc.PeerConnection
	// mids by slot.
	mids []string
}

func (j *janusServer) view(ctx context.Context, _ string, students []string, onPacket packetHandler) (view, error) {
	c, err := dialJanus(ctx, j.url)
	if err != nil {
		return nil, err
	}

	peer, err := j.connector.viewing.NewPeerConnection(j.connector.configuration)
	if err != nil {
		c.close()

		return nil, fmt.Errorf("new peer connection: %w", err)
	}

	v := &janusView{janusClient: c, feeds: j.feeds, peer: peer, mids: make([]string, len(students))}
	for slot := range v.mids {
		v.mids[slot] = strconv.Itoa(slot)
	}

	peer.OnTrack(func(track *webrtc.TrackRemote, receiver *webrtc.RTPReceiver) {
		// Janus numbers its streams as they were asked for, and uses that as mid.
		slot, err := strconv.Atoi(receiver.RTPTransceiver().Mid())
		if err != nil || slot >= len(students) {
			return
		}

		go readReports(receiver)

		client.Receive(track, func(packet *rtp.Packet) { onPacket(slot, packet) })
	})

	if err := v.subscribe(ctx, students); err != nil {
		return nil, errors.Join(err, v.close())
	}

	return v, nil
}

// readReports lets pion see the server's reports. It ends with the peer
// connection.
func readReports(receiver *webrtc.RTPReceiver) {
	report := make([]byte, 1500)

	for {
		if _, _, err := receiver.Read(report); err != nil {
			return
		}
	}
}

// subscribe asks for all students, and answers Janus' offer of them.
func (v *janusView) subscribe(ctx context.Context, students []string) error {
	streams := make([]janusBody, len(students))

	for slot, student := range students {
		number, err := v.feeds.number(student)
		if err != nil {
			return err
		}

		streams[slot] = janusBody{"feed": number}
	}

	offered, err := v.ask(ctx, janusBody{
		"request": "join", "ptype": "subscriber", "room": janusRoom, "streams": streams,
	}, nil, true)
	if err != nil {
		return err
	}

	if offered.JSEP == nil {
		return errors.New("there is no offer")
	}

	answer, err := answerOffer(ctx, v.peer, offered.JSEP.SDP)
	if err != nil {
		return err
	}

	_, err = v.ask(ctx, janusBody{"request": "start"}, &janusSession{"answer", answer}, true)

	return err
}

// answerOffer makes the answer to an offer, with all candidates in it.
func answerOffer(ctx context.Context, peer *webrtc.PeerConnection, offer string) (string, error) {
	if err := peer.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeOffer, SDP: offer}); err != nil {
		return "", fmt.Errorf("set offer: %w", err)
	}

	answer, err := peer.CreateAnswer(nil)
	if err != nil {
		return "", fmt.Errorf("create answer: %w", err)
	}

	gathered := webrtc.GatheringCompletePromise(peer)

	if err := peer.SetLocalDescription(answer); err != nil {
		return "", fmt.Errorf("set answer: %w", err)
	}

	select {
	case <-gathered:
		return peer.LocalDescription().SDP, nil
	case <-ctx.Done():
		return "", fmt.Errorf("gather candidates: %w", context.Cause(ctx))
	}
}

// assign switches the slots' streams to other feeds, in one request; Janus
// calls its streams by their mids.
func (v *janusView) assign(ctx context.Context, changes []assignment) error {
	streams := make([]janusBody, len(changes))

	for i, change := range changes {
		number, err := v.feeds.number(change.student)
		if err != nil {
			return err
		}

		// Publishers have one stream, the first.
		streams[i] = janusBody{"feed": number, "mid": "0", "sub_mid": v.mids[change.slot]}
	}

	_, err := v.ask(ctx, janusBody{"request": "switch", "streams": streams}, nil, true)

	return err
}

func (v *janusView) failed() error {
	if v.peer.ConnectionState() == webrtc.PeerConnectionStateFailed {
		return errors.New("the connection failed")
	}

	return nil
}

func (v *janusView) close() error {
	v.janusClient.close()

	return v.peer.Close() //nolint:wrapcheck // says what it is about
}
