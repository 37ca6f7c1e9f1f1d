package main

import (
	"context"

	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"
)

// product is an SFU that can be measured.
type product struct {
	// name, "invigil" or a key of the JSON's peers.
	name string
	// version, in its own words.
	version string
	// ip is the address that it and its clients use.
	ip string
	// start starts the program and returns once students can publish to it.
	start func(ctx context.Context, c *connector) (server, error)
}

// server is a product's program, running: what the generator needs of it.
type server interface {
	// publish offers the student's connection and applies the answer; the connection
	// then comes up by itself.
	publish(ctx context.Context, id string, peer *webrtc.PeerConnection) error
	// view shows each student in a slot of its own. onPacket is called for each
	// packet of a slot, one at a time per slot; the packet must not be kept.
	view(ctx context.Context, id string, students []string, onPacket packetHandler) (view, error)
	// count says how many packets of its students the server has received; ok is
	// false if it does not tell.
	count(ctx context.Context) (packets uint64, ok bool, err error)
	// check makes sure that the server has all the students, and receives them
	// unless they are silent.
	check(ctx context.Context, s scenario) error
	// profile writes a CPU profile of the next window to a file.
	profile(ctx context.Context, o options) error

	usage() (usage, error)
	// stop ends the program; the end of its log is in the error if asked for.
	stop(withLog bool) error
}

// packetHandler takes a packet of a slot.
type packetHandler func(slot int, packet *rtp.Packet)

// view is a viewer, connected.
type view interface {
	// assign changes which students are shown, in as few messages as the server's
	// protocol has for it.
	assign(ctx context.Context, changes []assignment) error
	// failed tells of what the server has refused, if anything.
	failed() error
	close() error
}

// assignment is a slot and the student that it is to show.
type assignment struct {
	slot    int
	student string
}
