package transport

import (
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"github.com/pion/stun/v4"

	"github.com/invigil/invigil/sfu/socket"
)

// lane is what one reading goroutine needs for each packet, so that packets
// allocate nothing.
type lane struct {
	out               *socket.Batch
	now               time.Time
	request, response stun.Message
	header            rtp.Header
	control           rtcp.Header
}

func newLane(out *socket.Batch) *lane { return &lane{out: out} }
