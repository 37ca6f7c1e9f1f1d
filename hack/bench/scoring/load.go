package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// load is every session of an exam.
type load struct {
	sessions []*session
	stop     context.CancelFunc
	senders  sync.WaitGroup
	readers  sync.WaitGroup
	failures chan error
	sent     atomic.Int64
	// took are the times to the acknowledgements of reports with violations; those
	// of others may be late.
	took took
}

// connect joins everybody and opens their sockets.
func connect(ctx context.Context, s *servers, count int) (*load, error) {
	const parallel = 16

	l := &load{sessions: make([]*session, count), failures: make(chan error, 1)}
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: parallel}}

	defer client.CloseIdleConnections()

	var (
		group sync.WaitGroup
		next  atomic.Int64
	)

	for range parallel {
		group.Go(func() {
			for i := int(next.Add(1)) - 1; i < count; i = int(next.Add(1)) - 1 {
				one, err := join(ctx, client, s, i)
				if err != nil {
					l.fail(err)

					return
				}

				l.sessions[i] = one
			}
		})
	}

	group.Wait()

	select {
	case err := <-l.failures:
		l.close()

		return nil, err
	default:
	}

	for _, one := range l.sessions {
		l.readers.Go(func() { l.read(one) })
	}

	return l, nil
}

func (l *load) fail(err error) {
	select {
	case l.failures <- err:
	default:
	}
}

// begin lets every session report once per interval, spread over it.
func (l *load) begin(ctx context.Context) {
	const senders = 4

	ctx, l.stop = context.WithCancel(ctx)

	for sender := range senders {
		l.senders.Go(func() {
			began := time.Now()

			for turn := 0; ; turn++ {
				for i := sender; i < len(l.sessions); i += senders {
					due := began.Add(time.Duration(turn)*interval + interval*time.Duration(i)/time.Duration(len(l.sessions)))
					if !sleep(ctx, time.Until(due)) {
						return
					}

					if err := l.report(l.sessions[i]); err != nil {
						l.fail(err)

						return
					}
				}
			}
		})
	}
}

// sleep returns false if ctx ends first. Less than the timers' own step is not
// slept for.
func sleep(ctx context.Context, d time.Duration) bool {
	if d > time.Millisecond {
		select {
		case <-ctx.Done():
		case <-time.After(d):
		}
	}

	return ctx.Err() == nil
}

func (l *load) report(s *session) error {
	now := time.Now()

	s.mu.Lock()

	if s.sent-s.acked >= outstanding {
		s.mu.Unlock()

		return errors.New("reports are not acknowledged")
	}

	s.sent++
	seq := s.sent
	s.at[seq%outstanding] = now
	s.mu.Unlock()

	message := fmt.Appendf(nil, `{"type":"report","seq":%d,"sentAt":%d,"delta":{"publishing":true,"visible":true,`+
		`"focused":true,"cameraMuted":false,"luminance":112.5}`, seq, now.UnixMilli())
	if s.violates(seq) {
		message = fmt.Appendf(message, `,"violations":[{"type":"%s","at":%d,"lastedMs":1500}]`, violation, now.UnixMilli())
	}

	l.sent.Add(1)

	return s.socket.write(opText, append(message, '}'))
}

// read takes acknowledgements until the socket ends.
func (l *load) read(s *session) {
	buffer := make([]byte, 256)

	for {
		message, err := s.socket.read(buffer)
		if err != nil {
			l.fail(fmt.Errorf("socket: %w", err))

			return
		}

		digits, isAck := bytes.CutPrefix(message, []byte(`{"type":"ack","seq":`))
		if !isAck {
			continue
		}

		seq, err := strconv.ParseInt(string(bytes.TrimRight(digits, "}")), 10, 64)
		if err != nil {
			l.fail(fmt.Errorf("acknowledgement %s: %w", message, err))

			return
		}

		now := time.Now()

		s.mu.Lock()
		// It stands for all before it.
		for s.acked < seq {
			s.acked++

			if s.violates(s.acked) {
				s.certain = s.acked
				s.counted++

				l.took.add(s.at[s.acked%outstanding], now)
			}
		}
		s.mu.Unlock()
	}
}

// end stops reporting and waits for the last acknowledgements.
func (l *load) end(ctx context.Context) error {
	l.stop()
	l.senders.Wait()

	return await(ctx, func() error {
		for _, s := range l.sessions {
			s.mu.Lock()
			missing := s.sent - s.acked
			s.mu.Unlock()

			if missing > 0 {
				return errors.New("reports are not acknowledged")
			}
		}

		return nil
	})
}

// wait lets time pass, unless something fails.
func (l *load) wait(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err() //nolint:wrapcheck // somebody has stopped us
	case err := <-l.failures:
		return err
	case <-time.After(d):
		return nil
	}
}

// close closes the sockets.
func (l *load) close() {
	if l.stop != nil {
		l.stop()
	}

	l.senders.Wait()

	for _, s := range l.sessions {
		if s != nil {
			_ = s.socket.connection.Close()
		}
	}

	l.readers.Wait()
}
