package rtcclient

import (
	"errors"
	"fmt"

	"github.com/pion/dtls/v3"
	"github.com/pion/rtp"
	"github.com/pion/srtp/v3"
)

// kept is how many packets are kept until they are taken.
const kept = 4096

var errNoKeys = errors.New("no keys before the handshake")

// deriveKeys is called with the client locked.
func (c *Client) deriveKeys(connection *dtls.Conn) error {
	profile, ok := connection.SelectedSRTPProtectionProfile()
	state, known := connection.ConnectionState()

	if !ok || !known {
		return errNoKeys
	}

	config := srtp.Config{Profile: srtp.ProtectionProfile(profile)}
	if err := config.ExtractSessionKeysFromDTLS(&state, true); err != nil {
		return fmt.Errorf("keys: %w", err)
	}

	var err error
	if c.out, err = srtp.CreateContext(config.Keys.LocalMasterKey, config.Keys.LocalMasterSalt, config.Profile); err == nil {
		c.in, err = srtp.CreateContext(config.Keys.RemoteMasterKey, config.Keys.RemoteMasterSalt, config.Profile)
	}

	if err != nil {
		return fmt.Errorf("SRTP: %w", err)
	}

	return nil
}

// Seal encrypts an RTP packet.
func (c *Client) Seal(p *rtp.Packet) ([]byte, error) {
	raw, err := p.Marshal()
	if err != nil {
		return nil, fmt.Errorf("marshal: %w", err)
	}

	c.mu.Lock()
	defer c.mu.Unlock()

	if c.out == nil {
		return nil, errNoKeys
	}

	return c.out.EncryptRTP(nil, raw, nil)
}

// SendRTP encrypts and sends a packet.
func (c *Client) SendRTP(p *rtp.Packet) error {
	sealed, err := c.Seal(p)
	if err != nil {
		return err
	}

	return c.Send(sealed)
}

// SendRTCP encrypts and sends a compound packet.
func (c *Client) SendRTCP(raw []byte) error {
	c.mu.Lock()
	out := c.out
	c.mu.Unlock()

	if out == nil {
		return errNoKeys
	}

	sealed, err := out.EncryptRTCP(nil, raw, nil)
	if err != nil {
		return fmt.Errorf("encrypt: %w", err)
	}

	return c.Send(sealed)
}

// Packet is a packet of the client's stream.
func (c *Client) Packet(sequence uint16, payload []byte) *rtp.Packet {
	return &rtp.Packet{
		Header: rtp.Header{
			Version: 2, PayloadType: PayloadType, SSRC: c.SSRC, Marker: true,
			SequenceNumber: sequence, Timestamp: uint32(sequence) * 4500,
		},
		Payload: payload,
	}
}

// media takes an RTP packet. RTCP is not of interest.
func (c *Client) media(data []byte) {
	if kind := data[1] & 0x7f; kind >= 64 && kind < 96 {
		return
	}

	c.mu.Lock()
	defer c.mu.Unlock()

	if c.in == nil {
		return
	}

	plain, err := c.in.DecryptRTP(nil, data, nil)
	if err != nil {
		c.lost.Add(1)

		return
	}

	c.received.Add(1)

	if len(c.packets) < kept {
		c.packets = append(c.packets, plain)
	}
}

// Received counts the RTP packets that came and could be decrypted.
func (c *Client) Received() int64 { return c.received.Load() }

// Undecryptable counts those that could not.
func (c *Client) Undecryptable() int64 { return c.lost.Load() }

// Take returns the RTP packets that have come since the last call, as far as they
// were kept.
func (c *Client) Take() [][]byte {
	c.mu.Lock()
	defer c.mu.Unlock()

	taken := c.packets
	c.packets = nil

	return taken
}
