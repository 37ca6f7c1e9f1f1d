package shards

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/invigil/invigil/internal/wire"
)

const (
	// pollWait is how long a pod may hold an answer. It is short since an answer
	// is also the sign of life: a longer one would hide a pod that hangs.
	pollWait = 2 * time.Second
	// pollRetry is the pause after a pod that did not answer.
	pollRetry = 250 * time.Millisecond
	// maxAnswer bounds an answer: 200 bytes for each of 5,000 students, and air.
	maxAnswer = 4 << 20
)

// poller asks one pod.
type poller struct {
	name    string
	url     *url.URL
	options Options
	changed func()
	stop    context.CancelFunc

	mu     sync.Mutex
	alive  bool
	latest wire.Streams
}

func (p *poller) run(ctx context.Context) {
	answered := time.Now()

	for ctx.Err() == nil {
		asked := time.Now()
		streams, err := p.ask(ctx, answered)
		if ctx.Err() != nil {
			return
		}

		if err == nil {
			answered = time.Now()
			// News may be followed by more news at once; an early answer without
			// any comes from a pod that does not wait, and must not be hammered.
			if p.take(streams) || answered.Sub(asked) > pollRetry {
				continue
			}
		} else if time.Since(answered) >= p.options.Silence {
			p.silent(err)
		}

		select {
		case <-ctx.Done():
		case <-time.After(pollRetry):
		}
	}
}

// ask makes one request. It ends when the pod has been silent for too long.
func (p *poller) ask(ctx context.Context, answered time.Time) (wire.Streams, error) {
	// Once it is silent a pod still gets time for a whole answer.
	limit := max(p.options.Silence-time.Since(answered), p.options.Silence/3)

	p.mu.Lock()
	since, alive := p.latest.Version, p.alive
	p.mu.Unlock()

	wait := min(pollWait, p.options.Silence/2)
	query := url.Values{}

	if alive {
		query.Set("since", since)
		query.Set("wait", strconv.Itoa(int(wait.Seconds())))
	}

	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()

	token, err := p.options.Token()
	if err != nil {
		return wire.Streams{}, err
	}

	target := p.url.JoinPath("internal/v1/streams")
	target.RawQuery = query.Encode()

	request, err := http.NewRequestWithContext(ctx, http.MethodGet, target.String(), nil)
	if err != nil {
		return wire.Streams{}, fmt.Errorf("streams request: %w", err)
	}

	request.Header.Set("Authorization", "Bearer "+token)

	response, err := p.options.Client.Do(request)
	if err != nil {
		return wire.Streams{}, fmt.Errorf("ask for streams: %w", err)
	}
	defer response.Body.Close()

	body, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer))
	if err != nil {
		return wire.Streams{}, fmt.Errorf("read streams: %w", err)
	}

	if response.StatusCode != http.StatusOK {
		return wire.Streams{}, fmt.Errorf("%w: status %d: %.200s", errAnswer, response.StatusCode, body)
	}

	var streams wire.Streams
	if err := json.Unmarshal(body, &streams); err != nil {
		return wire.Streams{}, fmt.Errorf("%w: %w", errAnswer, err)
	}

	return streams, nil
}

var errAnswer = errors.New("pod gave no usable answer")

// take says whether there was news.
func (p *poller) take(streams wire.Streams) bool {
	// The order of a pod's answer means nothing; sorted, equal is equal.
	slices.SortFunc(streams.Streams, func(a, b wire.Stream) int { return strings.Compare(a.Session, b.Session) })

	p.mu.Lock()
	changed := !p.alive || p.latest.Ready != streams.Ready || p.latest.Draining != streams.Draining ||
		!slices.EqualFunc(p.latest.Streams, streams.Streams, sameStream)
	came, drains := !p.alive, streams.Draining && !p.latest.Draining
	p.alive, p.latest = true, streams
	p.mu.Unlock()

	if came {
		p.options.Log.Info("shard answers", zap.String("shard", p.name), zap.Bool("ready", streams.Ready))
	}

	if drains {
		p.options.Log.Info("shard drains", zap.String("shard", p.name), zap.Int("streams", len(streams.Streams)))
	}

	if changed {
		p.changed()
	}

	return changed
}

// sameStream leaves the counters out: they always change. So do the numbers of
// what a pod saw, of which only what they come to is compared.
func sameStream(a, b wire.Stream) bool {
	return a.Student == b.Student && a.Session == b.Session && a.Receiving == b.Receiving && a.Wanted == b.Wanted &&
		a.Limited == b.Limited && Dark(a) == Dark(b) && Still(a) == Still(b)
}

func (p *poller) silent(err error) {
	p.mu.Lock()
	went := p.alive
	p.alive, p.latest = false, wire.Streams{}
	p.mu.Unlock()

	if went {
		p.options.Log.Warn("shard is silent", zap.String("shard", p.name), zap.Error(err))
		p.changed()
	}
}

func (p *poller) view() Shard {
	p.mu.Lock()
	defer p.mu.Unlock()

	return Shard{
		Name:     p.name,
		URL:      p.url,
		Ready:    p.alive && p.latest.Ready,
		Draining: p.latest.Draining,
		Streams:  slices.Clone(p.latest.Streams),
	}
}
