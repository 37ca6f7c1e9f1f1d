package sfu_test

import (
	"crypto/rand"
	"net"
	"runtime"
	"strconv"
	"sync"
	"testing"
	"time"
)

// drops are the pod's counts, by reason.
func (p *pod) drops(reason string) int {
	p.t.Helper()

	n, err := strconv.Atoi(p.metric(`invigil_sfu_drops_total{reason="` + reason + `"}`))
	must(p.t, err)

	return n
}

// TestAbuse: strangers and one authenticated student do what they can to a media
// port, all at once. Another student's stream goes on without loss, memory stays
// where it is, everything dropped is counted, and nothing of it is logged.
func TestAbuse(t *testing.T) {
	const packets = 4000

	p := startPod(t, nil)
	victim, mallory := p.rawStudent("ada"), p.rawStudent("mallory")

	var sent int

	stop := make(chan struct{})

	var media sync.WaitGroup

	media.Go(func() {
		ticker := time.NewTicker(5 * time.Millisecond)
		defer ticker.Stop()

		for {
			select {
			case <-stop:
				return
			case <-ticker.C:
				if err := victim.send(1); err != nil {
					t.Error(err)

					return
				}

				sent++
			}
		}
	})

	must(t, mallory.send(1))
	p.eventually("media arrives", 5*time.Second, func() bool { return p.receiving("ada") && p.receiving("mallory") })

	logs, memory := p.logs.Len(), heap()
	server := victim.Server()

	captured, err := mallory.Seal(mallory.Packet(1000, make([]byte, 500)))
	must(t, err)

	var abusers sync.WaitGroup

	for name, packet := range map[string]func() []byte{
		"noise":              func() []byte { return noise(400) },
		"large":              func() []byte { return noise(3000) },
		"unknown ufrag":      func() []byte { return victim.Request("nobody", server.Pwd, true).Raw },
		"wrong password":     func() []byte { return victim.Request(server.Ufrag, "wrong", true).Raw },
		"another's packet":   func() []byte { return captured },
		"a handshake":        func() []byte { return append([]byte{22, 254, 253, 0, 0}, noise(200)...) },
		"the victim's SSRC":  func() []byte { return append([]byte{128, 96, 0, 1, 0, 0, 0, 0, 1, 2, 3, 4}, noise(500)...) },
		"half a STUN header": func() []byte { return []byte{0, 1, 0, 100, 0x21, 0x12, 0xa4, 0x42} },
	} {
		abusers.Go(func() {
			socket, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(server.UDP))
			if err != nil {
				t.Errorf("%s: %v", name, err)

				return
			}
			defer socket.Close()

			pace := time.NewTicker(time.Millisecond)
			defer pace.Stop()

			for range packets / 10 {
				for range 10 {
					_, _ = socket.Write(packet()) // the kernel may have no room
				}

				<-pace.C
			}
		})
	}

	// Who is in does it with SSRCs, replays, and other students' SSRC.
	abusers.Go(func() {
		for i := range packets {
			packet := mallory.Packet(1, make([]byte, 100))
			packet.SSRC = uint32(i)

			if i%3 == 0 {
				packet.SSRC, packet.SequenceNumber = victim.SSRC, uint16(i)
			}

			if err := mallory.SendRTP(packet); err != nil {
				t.Error(err)

				return
			}

			_ = mallory.Send(captured) // the kernel may have no room
		}
	})

	// Over TCP: garbage, large frames, nothing.
	for i := range 60 {
		connection, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", server.TCP.String())
		must(t, err)
		t.Cleanup(func() { _ = connection.Close() })

		_, _ = connection.Write([][]byte{noise(5000), {255, 255, 0}, {}}[i%3]) // may be closed by now
	}

	abusers.Wait()
	close(stop)
	media.Wait()

	p.eventually("all of ada's packets are there", 5*time.Second, func() bool {
		return p.stream("ada").Packets == uint64(sent)
	})

	for reason, least := range map[string]int{
		"unknown": packets, "stun": packets, "oversized": packets / 2, "srtp": packets / 2,
	} {
		if n := p.drops(reason); n < least {
			t.Errorf("%d drops because of %s, want %d", n, reason, least)
		}
	}

	if !p.receiving("ada") {
		t.Error("ada's media does not arrive any more")
	}

	if grown := heap() - memory; grown > 4<<20 {
		t.Errorf("the heap has grown by %d KiB", grown>>10)
	}

	if n := p.logs.Len() - logs; n > 0 {
		t.Errorf("%d log lines, such as %v", n, p.logs.All()[logs])
	}
}

// noise is n random bytes.
func noise(n int) []byte {
	data := make([]byte, n)
	_, _ = rand.Read(data) // never fails

	return data
}

// heap is what is in use, in bytes.
func heap() int64 {
	var memory runtime.MemStats

	runtime.GC()
	runtime.GC() // what pools held
	runtime.ReadMemStats(&memory)

	return int64(memory.HeapAlloc)
}
