package main

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/invigil/invigil/internal/wire"
)

// socket is a WebSocket client (RFC 6455) that does as little as possible: ten
// thousand of them share the machine with what they measure.
type socket struct {
	connection net.Conn
	reader     *bufio.Reader
}

// sources are how many loopback addresses the sockets come from: one has ports
// for 28,000, and those of an earlier run may still be taken.
const sources = 50

// dial opens the event socket of session number i.
func dial(ctx context.Context, addr, path, token string, i int) (*socket, error) {
	dialer := net.Dialer{
		LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, byte(2+i%sources))},
		Timeout:   20 * time.Second,
	}

	connection, err := dialer.DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("dial: %w", err)
	}

	s := &socket{connection: connection, reader: bufio.NewReaderSize(connection, 512)}
	request := "GET " + path + " HTTP/1.1\r\nHost: " + addr + "\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" +
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n" +
		"Sec-WebSocket-Protocol: " + wire.Subprotocol + ", " + wire.BearerSubprotocol + token + "\r\n\r\n"

	if _, err := io.WriteString(connection, request); err != nil {
		return nil, errors.Join(fmt.Errorf("upgrade: %w", err), connection.Close())
	}

	response, err := http.ReadResponse(s.reader, nil) //nolint:bodyclose // what follows is no body
	if err == nil && response.StatusCode != http.StatusSwitchingProtocols {
		err = fmt.Errorf("upgrade: %s", response.Status)
	}

	if err != nil {
		return nil, errors.Join(fmt.Errorf("upgrade: %w", err), connection.Close())
	}

	return s, nil
}

const (
	opText = 1
	opPing = 9
	opPong = 10
	final  = 0x80
	masked = 0x80
	// long16 is the length that says that the real one follows in 16 bits.
	long16 = 126
)

// write sends one frame. Its mask is zero, which is a mask like any other.
func (s *socket) write(op byte, payload []byte) error {
	frame := make([]byte, 0, len(payload)+8)

	if len(payload) < long16 {
		frame = append(frame, final|op, masked|byte(len(payload)))
	} else {
		frame = append(frame, final|op, masked|long16)
		frame = binary.BigEndian.AppendUint16(frame, uint16(len(payload))) //nolint:gosec // ours are short
	}

	frame = append(frame, 0, 0, 0, 0)

	_, err := s.connection.Write(append(frame, payload...))

	return err //nolint:wrapcheck // the caller says what it was about
}

// read returns the next text message, in buffer if it fits, and answers pings.
func (s *socket) read(buffer []byte) ([]byte, error) {
	for {
		var head [4]byte
		if _, err := io.ReadFull(s.reader, head[:2]); err != nil {
			return nil, err //nolint:wrapcheck // as above
		}

		length := int(head[1])
		if length == long16 {
			if _, err := io.ReadFull(s.reader, head[2:4]); err != nil {
				return nil, err //nolint:wrapcheck // as above
			}

			length = int(binary.BigEndian.Uint16(head[2:4]))
		}

		if length > cap(buffer) {
			buffer = make([]byte, length)
		}

		payload := buffer[:length]
		if _, err := io.ReadFull(s.reader, payload); err != nil {
			return nil, err //nolint:wrapcheck // as above
		}

		switch head[0] &^ final {
		case opText:
			return payload, nil
		case opPing:
			if err := s.write(opPong, payload); err != nil {
				return nil, err
			}
		default:
			return nil, fmt.Errorf("the server sent a frame %x: %s", head[0], strings.ToValidUTF8(string(payload), "?"))
		}
	}
}
