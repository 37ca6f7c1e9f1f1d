package sessions

import (
	"context"
	"crypto/ed25519"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/invigil/invigil/internal/token"
	"github.com/invigil/invigil/internal/wire"
)

const (
	// pollWait is how long scoring may hold an answer. It bounds how late a
	// silent scoring service is noticed, and asks an idle one 12 times a minute.
	pollWait = 5 * time.Second
	// pollTimeout is when a held answer is given up.
	pollTimeout = pollWait + 4*time.Second

	tokenTTL = time.Minute
	// maxAnswer bounds an answer: 5,000 sessions of about 1 KiB.
	maxAnswer = 16 << 20
)

// scoringClient asks one exam's scoring service.
type scoringClient struct {
	http *http.Client
	base string
	exam types.NamespacedName
	now  func() time.Time
}

// poll asks for what changed after cursor, and waits for it.
func (c scoringClient) poll(ctx context.Context, key ed25519.PrivateKey, cursor string) (*wire.Sessions, error) {
	ctx, cancel := context.WithTimeout(ctx, pollTimeout)
	defer cancel()

	bearer, err := token.NewSigner(key, c.exam.String(), c.now).Sign(token.Internal, "operator", tokenTTL, token.Claims{})
	if err != nil {
		return nil, fmt.Errorf("sign request: %w", err)
	}

	query := url.Values{"since": {cursor}, "wait": {strconv.Itoa(int(pollWait.Seconds()))}}

	request, err := http.NewRequestWithContext(ctx, http.MethodGet, c.base+"/internal/v1/sessions?"+query.Encode(), http.NoBody)
	if err != nil {
		return nil, fmt.Errorf("make request: %w", err)
	}

	request.Header.Set("Authorization", "Bearer "+bearer)

	response, err := c.http.Do(request)
	if err != nil {
		return nil, fmt.Errorf("ask scoring: %w", err)
	}
	defer response.Body.Close()

	body, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer))
	if err != nil {
		return nil, fmt.Errorf("read scoring's answer: %w", err)
	}

	if response.StatusCode != http.StatusOK {
		var problem wire.Error
		// A body that is no error of ours says nothing; the status still does.
		_ = json.Unmarshal(body, &problem)

		return nil, fmt.Errorf("scoring answers %s %s %s", response.Status, problem.Code, problem.Message)
	}

	answer := &wire.Sessions{}
	if err := json.Unmarshal(body, answer); err != nil {
		return nil, fmt.Errorf("scoring's answer: %w", err)
	}

	return answer, nil
}
