package client

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/pion/rtcp"
)

// Publication is a WHIP session.
type Publication struct {
	// URL of the session, ETag of its ICE session.
	URL  string
	ETag string

	httpClient *http.Client
}

// Publish offers the peer's track to the WHIP endpoint and applies the answer;
// the peer then connects by itself. Errors: *Error, or what failed.
func Publish(ctx context.Context, httpClient *http.Client, endpoint, bearer string, peer *Peer) (*Publication, error) {
	offer, err := Offer(ctx, peer.PeerConnection)
	if err != nil {
		return nil, err
	}

	published, answer, err := PostOffer(ctx, httpClient, endpoint, bearer, offer)
	if err != nil {
		return nil, err
	}

	if err := SetAnswer(peer.PeerConnection, answer); err != nil {
		return nil, err
	}

	return published, nil
}

// PostOffer sends an SDP offer to the WHIP endpoint and returns the answer.
// Errors: *Error, or what failed.
func PostOffer(ctx context.Context, httpClient *http.Client, endpoint, bearer, offer string) (*Publication, string, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, endpoint, strings.NewReader(offer))
	if err != nil {
		return nil, "", fmt.Errorf("publish: %w", err)
	}

	r.Header.Set("Content-Type", "application/sdp")

	header, answer, err := do(httpClient, r, bearer, http.StatusCreated)
	if err != nil {
		return nil, "", err
	}

	location, err := url.Parse(header.Get("Location"))
	if err != nil || location.String() == "" {
		return nil, "", fmt.Errorf("the WHIP answer has no good Location: %w", err)
	}

	return &Publication{
		URL:        r.URL.ResolveReference(location).String(),
		ETag:       header.Get("ETag"),
		httpClient: httpClient,
	}, string(answer), nil
}

// Delete ends the session. Errors: *Error, or what failed.
func (p *Publication) Delete(ctx context.Context, bearer string) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodDelete, p.URL, nil)
	if err != nil {
		return fmt.Errorf("delete: %w", err)
	}

	_, _, err = do(p.httpClient, r, bearer, http.StatusOK, http.StatusNoContent)

	return err
}

func isKeyFrameRequest(packet rtcp.Packet) bool {
	switch packet.(type) {
	case *rtcp.PictureLossIndication, *rtcp.FullIntraRequest:
		return true
	default:
		return false
	}
}
