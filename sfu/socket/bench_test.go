package socket_test

import (
	"net"
	"os"
	"os/exec"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/invigil/invigil/sfu/socket"
)

const (
	senderTarget = "SOCKET_BENCH_TARGET"
	// senderRate is what 50 students send: 45 datagrams a second each.
	senderRate = 2250
)

// sendPaced sends datagrams of 1,000 bytes at senderRate, as much as is due every
// millisecond, until it is killed.
func sendPaced(to string) {
	var dialer net.Dialer

	c, err := dialer.Dial("udp", to)
	if err != nil {
		panic(err)
	}

	data := make([]byte, 1000)
	start := time.Now()
	sent := 0

	for range time.Tick(time.Millisecond) {
		for due := int(time.Since(start).Seconds() * senderRate); sent < due; sent++ {
			if _, err := c.Write(data); err != nil {
				return // the reader has gone
			}
		}
	}
}

// BenchmarkRead prints what one received datagram costs this process at a
// server's pace: µs of CPU, and times that one of its threads slept (getrusage).
// Its time per operation is the sender's pace.
func BenchmarkRead(b *testing.B) {
	for _, c := range []struct {
		name string
		wait time.Duration
	}{{"eager", 0}, {"lazy5ms", 5 * time.Millisecond}, {"lazy20ms", 20 * time.Millisecond}} {
		b.Run(c.name, func(b *testing.B) {
			s := listen(b, "127.0.0.1:0")

			measure(b, s.Addr().String(), func() int {
				datagrams, err := s.Read(c.wait)
				if err != nil {
					b.Fatal(err)
				}

				return len(datagrams)
			})

			stats := s.Stats()
			b.ReportMetric(float64(stats.Wakeups)/float64(stats.Received), "wakeups/op")
		})
	}

	b.Run("netUDPConn", func(b *testing.B) {
		conn, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
		if err != nil {
			b.Fatal(err)
		}
		defer conn.Close()

		buffer := make([]byte, socket.MaxDatagram)

		measure(b, conn.LocalAddr().String(), func() int {
			if _, _, err := conn.ReadFromUDPAddrPort(buffer); err != nil {
				b.Fatal(err)
			}

			return 1
		})
	})
}

// BenchmarkSend prints what a datagram costs through loopback, in and out, without
// any waiting: one system call for each, or for 64.
func BenchmarkSend(b *testing.B) {
	for name, batched := range map[string]bool{"single": false, "batch": true} {
		b.Run(name, func(b *testing.B) {
			in, out := listen(b, "127.0.0.1:0"), listen(b, "127.0.0.1:0")
			to, data, batch := at(in, "127.0.0.1"), make([]byte, 1000), out.NewBatch()

			for n := 0; n < b.N; n += socket.BatchSize {
				for range socket.BatchSize {
					if batched {
						batch.Add(to, copy(batch.Buffer(), data))
					} else if err := out.Send(to, data); err != nil {
						b.Fatal(err)
					}
				}

				for got := 0; got < socket.BatchSize; {
					got += len(read(b, in, 0))
				}
			}
		})
	}
}

// measure reads b.N datagrams that another process sends.
func measure(b *testing.B, address string, read func() int) {
	b.Helper()

	sender := exec.CommandContext(b.Context(), os.Args[0])
	sender.Env = append(os.Environ(), senderTarget+"="+address)

	if err := sender.Start(); err != nil {
		b.Fatal(err)
	}

	defer func() {
		_ = sender.Process.Kill()
		_ = sender.Wait() // says that it was killed
	}()

	read() // the sender runs

	before := usage(b)
	b.ResetTimer()

	for got := 0; got < b.N; {
		got += read()
	}

	b.StopTimer()

	after := usage(b)
	b.ReportMetric(float64(cpu(after)-cpu(before))/1e3/float64(b.N), "us-cpu/op")
	b.ReportMetric(float64(after.Nvcsw-before.Nvcsw)/float64(b.N), "switches/op")
}

func usage(b *testing.B) unix.Rusage {
	b.Helper()

	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}

	return u
}

// cpu is the time of user and system in ns.
func cpu(u unix.Rusage) int64 { return u.Utime.Nano() + u.Stime.Nano() }
