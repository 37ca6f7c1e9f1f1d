package rtcclient

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
)

// Fingerprint is that of the clients' certificate, by SHA-256.
func Fingerprint() (string, error) {
	identity, err := certificate()
	if err != nil {
		return "", err
	}

	sum := sha256.Sum256(identity.Certificate[0])
	parts := make([]string, len(sum))

	for i, b := range sum {
		parts[i] = fmt.Sprintf("%02X", b)
	}

	return strings.Join(parts, ":"), nil
}

// PublishOffer offers one VP8 stream.
func (c *Client) PublishOffer() (string, error) { return c.offer("sendonly", 1) }

// ViewOffer offers to receive slots VP8 streams.
func (c *Client) ViewOffer(slots int) (string, error) { return c.offer("recvonly", slots) }

func (c *Client) offer(direction string, sections int) (string, error) {
	fingerprint, err := Fingerprint()
	if err != nil {
		return "", err
	}

	mids := make([]string, sections)
	for i := range mids {
		mids[i] = strconv.Itoa(i)
	}

	lines := []string{
		"v=0", "o=- 1 1 IN IP4 0.0.0.0", "s=-", "t=0 0", "a=group:BUNDLE " + strings.Join(mids, " "),
		"a=ice-ufrag:" + c.Ufrag, "a=ice-pwd:" + c.Pwd, "a=fingerprint:sha-256 " + fingerprint, "a=setup:active",
	}

	for _, mid := range mids {
		lines = append(lines, "m=video 9 UDP/TLS/RTP/SAVPF "+strconv.Itoa(PayloadType), "c=IN IP4 0.0.0.0", "a=mid:"+mid,
			"a="+direction, "a=rtcp-mux", "a=rtpmap:"+strconv.Itoa(PayloadType)+" VP8/90000",
			"a=rtcp-fb:"+strconv.Itoa(PayloadType)+" nack pli")
	}

	return strings.Join(lines, "\r\n") + "\r\n", nil
}

// Accept reads the server's credentials and its first candidates from an answer.
func (c *Client) Accept(answer string) error {
	var s Server

	for line := range strings.Lines(answer) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), ":")

		switch name {
		case "a=ice-ufrag":
			s.Ufrag = value
		case "a=ice-pwd":
			s.Pwd = value
		case "a=candidate":
			s.candidate(strings.Fields(value))
		}
	}

	if s.Ufrag == "" || s.Pwd == "" || !s.UDP.IsValid() {
		return errors.New("the answer lacks credentials or candidates")
	}

	c.SetServer(s)

	return nil
}

func (s *Server) candidate(fields []string) {
	if len(fields) < 6 {
		return
	}

	address, err := netip.ParseAddrPort("[" + fields[4] + "]:" + fields[5])
	if err != nil {
		address, err = netip.ParseAddrPort(fields[4] + ":" + fields[5])
	}

	to := &s.UDP
	if strings.EqualFold(fields[2], "tcp") {
		to = &s.TCP
	}

	if err == nil && !to.IsValid() {
		*to = address
	}
}
