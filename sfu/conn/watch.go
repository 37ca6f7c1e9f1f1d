package conn

import "time"

// End is why a connection ended by itself.
type End string

// The ends.
const (
	// ConnectTimeout: the peer never connected.
	ConnectTimeout End = "ConnectTimeout"
	// IceFailed: nothing was heard of a connected peer for too long.
	IceFailed End = "IceFailed"
	// DtlsClosed: the peer closed its connection, or DTLS failed.
	DtlsClosed End = "DtlsClosed"
)

// Watch says how a connection is watched over.
type Watch struct {
	// Connect is how long the peer may take to connect, Silence how long one that
	// the connection calls silent may stay so.
	Connect, Silence time.Duration
	// Connected is called whenever the peer is, or is again.
	Connected func()
	// Often, if set, is called every Interval.
	Often    func()
	Interval time.Duration
}

// Run returns when the connection has ended by itself, and why; or "" once ending
// is closed.
func (w Watch) Run(peer Peer, ending <-chan struct{}) End {
	connect := time.NewTimer(w.Connect)
	defer connect.Stop()

	var (
		often   <-chan time.Time
		silence <-chan time.Time // nil while the peer is heard of
	)

	if w.Often != nil {
		ticker := time.NewTicker(w.Interval)
		defer ticker.Stop()

		often = ticker.C
	}

	for {
		select {
		case <-ending:
			return ""
		case <-connect.C:
			return ConnectTimeout
		case <-silence:
			return IceFailed
		case <-often:
			w.Often()
		case <-peer.Changed():
			switch peer.State() {
			case Connecting:
			case Connected:
				silence = nil

				connect.Stop()
				w.Connected()
			case Silent:
				if silence == nil {
					silence = time.After(w.Silence)
				}
			case Ended:
				return DtlsClosed
			}
		}
	}
}
