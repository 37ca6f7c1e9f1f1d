// Package issuer knows who signs the cluster's ServiceAccount tokens: it asks the
// API server for its issuer and public keys (OpenID Connect discovery) now and
// then, and remembers the answer for when it is not given. Scoring checks
// invigilators' tokens by them.
package issuer

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/log"

	examv1alpha1 "github.com/invigil/invigil/api/v1alpha1"
)

const (
	// interval is how often the API server is asked. A cluster that gets new keys
	// publishes them long before it signs with them.
	interval = 10 * time.Minute
	// retry is how soon it is asked again after a failure.
	retry = 15 * time.Second
	// timeout bounds one request.
	timeout = 10 * time.Second
)

// Paths of the API server. The keys are its own, whatever address its discovery
// names for the rest of the world.
const (
	discoveryPath = "/.well-known/openid-configuration"
	keysPath      = "/openid/v1/jwks"
)

// Issuer signs the cluster's ServiceAccount tokens.
type Issuer struct {
	// URL is the issuer that tokens name.
	URL string
	// Keys are its public keys, a JSON Web Key Set in one canonical form.
	Keys json.RawMessage
}

// Getter reads a path of the API server.
type Getter func(ctx context.Context, path string) ([]byte, error)

// FromAPIServer returns a Getter of the API server behind client.
func FromAPIServer(client rest.Interface) Getter {
	return func(ctx context.Context, path string) ([]byte, error) {
		return client.Get().AbsPath(path).DoRaw(ctx)
	}
}

// Watcher keeps the issuer up to date. It is a manager.Runnable.
type Watcher struct {
	get Getter
	// Interval and Retry replace the defaults; for tests.
	Interval, Retry time.Duration
	// Exams lists those who want to know of a change.
	Exams func(context.Context) ([]examv1alpha1.Exam, error)

	changes chan event.GenericEvent

	mu      sync.Mutex
	known   *Issuer
	problem error
}

// New returns a watcher that knows nothing until it is started.
func New(get Getter) *Watcher {
	return &Watcher{get: get, Interval: interval, Retry: retry, changes: make(chan event.GenericEvent)}
}

// Changes has an event for each Exam when the issuer has become another one, or
// when its problem has.
func (w *Watcher) Changes() <-chan event.GenericEvent { return w.changes }

// Current is the last issuer that is known, and what is wrong if it could not be
// read the last time. Both may be there, and until it was asked for, neither.
func (w *Watcher) Current() (*Issuer, error) {
	w.mu.Lock()
	defer w.mu.Unlock()

	return w.known, w.problem
}

// Start asks until ctx ends. It implements manager.Runnable.
func (w *Watcher) Start(ctx context.Context) error {
	for {
		wait := w.Interval

		changed, err := w.refresh(ctx)
		if err != nil {
			wait = w.Retry

			log.FromContext(ctx).Error(err, "the token issuer cannot be read; the last known holds")
		}

		if changed {
			w.tell(ctx)
		}

		select {
		case <-ctx.Done():
			return nil
		case <-time.After(wait):
		}
	}
}

// refresh asks once. A failure keeps what was known.
func (w *Watcher) refresh(ctx context.Context) (changed bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()

	now, err := w.read(ctx)

	w.mu.Lock()
	defer w.mu.Unlock()

	changed = text(err) != text(w.problem) || w.known == nil && w.problem == nil
	w.problem = err

	if err == nil && (w.known == nil || w.known.URL != now.URL || !bytes.Equal(w.known.Keys, now.Keys)) {
		w.known, changed = now, true
	}

	return changed, err
}

func text(err error) string {
	if err == nil {
		return ""
	}

	return err.Error()
}

func (w *Watcher) read(ctx context.Context) (*Issuer, error) {
	data, err := w.get(ctx, discoveryPath)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", discoveryPath, err)
	}

	var discovery struct {
		Issuer string `json:"issuer"`
	}
	if err := json.Unmarshal(data, &discovery); err != nil || discovery.Issuer == "" {
		return nil, fmt.Errorf("%s names no issuer", discoveryPath)
	}

	data, err = w.get(ctx, keysPath)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", keysPath, err)
	}

	keys, err := Canonical(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", keysPath, err)
	}

	return &Issuer{URL: discovery.Issuer, Keys: keys}, nil
}

// webKey is what is public of a key (RFC 7518, section 6).
type webKey struct {
	Type      string `json:"kty"`
	Use       string `json:"use,omitempty"`
	Algorithm string `json:"alg,omitempty"`
	ID        string `json:"kid"`
	N         string `json:"n,omitempty"`
	E         string `json:"e,omitempty"`
	Curve     string `json:"crv,omitempty"`
	X         string `json:"x,omitempty"`
	Y         string `json:"y,omitempty"`
}

var errNoKeys = errors.New("there are no keys")

// Canonical is a JSON Web Key Set with its keys in the order of their ids and
// nothing but what is needed of them: API servers of one cluster may answer in
// different orders, and that is no news.
func Canonical(data []byte) (json.RawMessage, error) {
	var set struct {
		Keys []webKey `json:"keys"`
	}
	if err := json.Unmarshal(data, &set); err != nil {
		return nil, fmt.Errorf("no key set: %w", err)
	}

	if len(set.Keys) == 0 {
		return nil, errNoKeys
	}

	slices.SortFunc(set.Keys, func(a, b webKey) int { return strings.Compare(a.ID, b.ID) })

	return json.Marshal(set)
}

// tell wakes every Exam.
func (w *Watcher) tell(ctx context.Context) {
	exams, err := w.Exams(ctx)
	if err != nil {
		log.FromContext(ctx).Error(err, "Exams cannot be told of the token issuer")

		return
	}

	for i := range exams {
		select {
		case w.changes <- event.GenericEvent{Object: &exams[i]}:
		case <-ctx.Done():
			return
		}
	}
}
