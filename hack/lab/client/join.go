package client

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/invigil/invigil/internal/wire"
)

// Link is a student's URL, taken apart.
type Link struct {
	// Exam is the exam's URL, with a slash at its end.
	Exam *url.URL
	// Token is the link token.
	Token string
}

// ParseLink reads <base>/x/<namespace>/<exam>/#<token>. If base is not nil, its
// scheme and host are used in place of the link's: for exams without a public
// address.
func ParseLink(raw string, base *url.URL) (Link, error) {
	parsed, err := url.Parse(raw)
	if err != nil {
		return Link{}, fmt.Errorf("link: %w", err)
	}

	linkToken := parsed.Fragment
	parsed.Fragment = ""

	if linkToken == "" {
		return Link{}, fmt.Errorf("link %s has no token", parsed)
	}

	if base != nil {
		parsed.Scheme, parsed.Host = base.Scheme, base.Host
	}

	if !strings.HasSuffix(parsed.Path, "/") {
		parsed.Path += "/"
	}

	return Link{Exam: parsed, Token: linkToken}, nil
}

// Join admits the student. Errors: *Error, or what failed.
func Join(ctx context.Context, httpClient *http.Client, link Link, device string) (*wire.JoinResponse, error) {
	body, err := json.Marshal(wire.JoinRequest{Device: device})
	if err != nil {
		return nil, fmt.Errorf("encode join: %w", err)
	}

	r, err := http.NewRequestWithContext(ctx, http.MethodPost, link.Exam.JoinPath("api/v1/join").String(), bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("join: %w", err)
	}

	r.Header.Set("Content-Type", "application/json")

	_, answer, err := do(httpClient, r, link.Token, http.StatusOK)
	if err != nil {
		return nil, err
	}

	var joined wire.JoinResponse
	if err := json.Unmarshal(answer, &joined); err != nil {
		return nil, fmt.Errorf("decode join answer: %w", err)
	}

	return &joined, nil
}

// WHIPURL is where the student publishes, EventsURL where the event socket is.
func (l Link) WHIPURL() string   { return l.Exam.JoinPath("api/v1/whip").String() }
func (l Link) EventsURL() string { return l.Exam.JoinPath("api/v1/events").String() }
