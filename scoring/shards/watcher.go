// Package shards is scoring's view of the SFU pods: which of them are ready,
// which students each of them receives, and where the next student is sent. It
// asks the pods and is never told by them: a pod that has gone cannot say so.
package shards

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/invigil/invigil/internal/mounted"
	"github.com/invigil/invigil/internal/wire"
	"github.com/invigil/invigil/scoring/metrics"
)

// Shard is one SFU pod as scoring sees it.
type Shard struct {
	Name string
	URL  *url.URL
	// Ready is whether the pod answers and takes publishers.
	Ready bool
	// Draining is whether the pod's publishers must move to another.
	Draining bool
	Streams  []wire.Stream
}

// Options are the parts of a Watcher.
type Options struct {
	// Client reaches the pods.
	Client *http.Client
	// Token signs the bearer token of one request.
	Token   func() (string, error)
	Log     *zap.Logger
	Metrics *metrics.Set
	// Changed is called with every new view, never twice at once.
	Changed func([]Shard)
	// Silence is how long a pod may be silent before its streams count as gone;
	// 0 means 3 s.
	Silence time.Duration
}

// Watcher follows shards.json and asks every pod in it for its streams.
type Watcher struct {
	options Options

	// reporting keeps views in order: the holder takes the newest view itself.
	reporting sync.Mutex

	mu      sync.Mutex
	pollers map[string]*poller
	stopped bool
	group   sync.WaitGroup
}

// defaultSilence: an SFU says that a stream is not received after 3 s without
// packets, and a pod without answers is treated alike.
const defaultSilence = 3 * time.Second

// New returns a watcher; Run makes it work.
func New(options Options) *Watcher {
	if options.Silence == 0 {
		options.Silence = defaultSilence
	}

	return &Watcher{options: options, pollers: map[string]*poller{}}
}

// Run follows the file until ctx ends.
func (w *Watcher) Run(ctx context.Context, path string) {
	mounted.Follow(ctx, path,
		func(data []byte) error { return w.read(ctx, data) },
		func(err error) { w.options.Log.Warn("shards cannot be read", zap.Error(err)) })

	w.mu.Lock()
	w.stopped = true
	w.mu.Unlock()
	w.group.Wait()
}

var errInvalid = errors.New("shards.json is not valid")

func (w *Watcher) read(ctx context.Context, data []byte) error {
	var file wire.Shards
	if err := json.Unmarshal(data, &file); err != nil {
		return fmt.Errorf("%w: %w", errInvalid, err)
	}

	wanted := make(map[string]*url.URL, len(file.Shards))

	for _, shard := range file.Shards {
		parsed, err := url.Parse(shard.URL)
		if err != nil || parsed.Host == "" || shard.Name == "" || strings.ContainsAny(shard.Name, "/?#%") {
			return fmt.Errorf("%w: shard %q at %q", errInvalid, shard.Name, shard.URL)
		}

		parsed.Path = strings.TrimSuffix(parsed.Path, "/")
		wanted[shard.Name] = parsed
	}

	w.follow(ctx, wanted)

	return nil
}

// follow starts and stops pollers until they are those that are wanted.
func (w *Watcher) follow(ctx context.Context, wanted map[string]*url.URL) {
	w.mu.Lock()

	for name, p := range w.pollers {
		if address, ok := wanted[name]; !ok || address.String() != p.url.String() {
			p.stop()
			delete(w.pollers, name)
			w.options.Metrics.ShardReady.DeleteLabelValues(name)
			w.options.Metrics.ShardStreams.DeleteLabelValues(name)
		}
	}

	for name, address := range wanted {
		if _, ok := w.pollers[name]; ok || w.stopped {
			continue
		}

		pollCtx, stop := context.WithCancel(ctx)
		p := &poller{name: name, url: address, options: w.options, changed: w.report, stop: stop}
		w.pollers[name] = p

		w.group.Go(func() { p.run(pollCtx) })
	}

	w.mu.Unlock()
	w.report()
}

func (w *Watcher) report() {
	w.reporting.Lock()
	defer w.reporting.Unlock()

	view := w.View()
	for _, shard := range view {
		ready, receiving := 0.0, 0.0
		if shard.Ready {
			ready = 1
		}

		for _, stream := range shard.Streams {
			if stream.Receiving {
				receiving++
			}
		}

		w.options.Metrics.ShardReady.WithLabelValues(shard.Name).Set(ready)
		w.options.Metrics.ShardStreams.WithLabelValues(shard.Name).Set(receiving)
	}

	w.options.Changed(view)
}

// View returns all pods, by name. Streams of a silent pod are not in it.
func (w *Watcher) View() []Shard {
	w.mu.Lock()
	defer w.mu.Unlock()

	view := make([]Shard, 0, len(w.pollers))
	for _, p := range w.pollers {
		view = append(view, p.view())
	}

	slices.SortFunc(view, func(a, b Shard) int { return strings.Compare(a.Name, b.Name) })

	return view
}

// Lookup finds a pod by name.
func (w *Watcher) Lookup(name string) (Shard, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()

	p, ok := w.pollers[name]
	if !ok {
		return Shard{}, false
	}

	return p.view(), true
}
