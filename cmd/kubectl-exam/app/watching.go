package app

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	examv1alpha1 "github.com/invigil/invigil/api/v1alpha1"
)

const (
	// afterEnd is for how long after the exam's end its page is still good: the last
	// students hand in, and somebody looks back.
	afterEnd = 30 * time.Minute
	// shortestToken and longestToken bound what is asked for unless it is said: one
	// that lasts for less is renewed all the time, and none can be taken back.
	shortestToken = time.Hour
	longestToken  = 12 * time.Hour
	// renewBefore is how long before its end a token is renewed, so that there is
	// time to open the new address.
	renewBefore = 5 * time.Minute
	// renewAgain is how soon a renewal is tried again.
	renewAgain = time.Minute
)

// watching is an invigilator's page that is kept good: it has a token, and a new
// one before that ends.
type watching struct {
	*openOptions

	client client.Client
	exam   types.NamespacedName
	// page is "wall" or "review", title what it is called.
	page, title string
	duration    time.Duration

	mu      sync.Mutex
	token   string
	expires time.Time
	// origin is where the exam is reached, once it is.
	origin *url.URL
}

// watch mints the first token of the page that the flags ask for; nil if they ask
// for none.
func (o *openOptions) watch(ctx context.Context, key types.NamespacedName, exam *examv1alpha1.Exam) (*watching, error) {
	w := &watching{openOptions: o, exam: key, duration: o.tokenDuration}

	switch {
	case o.wall:
		w.page, w.title = "wall", "Wall"
	case o.review:
		w.page, w.title = "review", "Review"
	default:
		return nil, nil //nolint:nilnil // none is asked for
	}

	if w.duration == 0 {
		w.duration = tokenFor(exam, o.Clock.Now())
	}

	var err error
	if w.client, err = o.connect(); err != nil {
		return nil, err
	}

	return w, w.mint(ctx)
}

// tokenFor is how long a token for the exam should be good.
func tokenFor(exam *examv1alpha1.Exam, now time.Time) time.Duration {
	if exam.Status.EndTime == nil {
		return longestToken
	}

	left := exam.Status.EndTime.Add(afterEnd).Sub(now).Round(time.Second)

	return min(max(left, shortestToken), longestToken)
}

// mint replaces the token.
func (w *watching) mint(ctx context.Context) error {
	token, expires, err := mintToken(ctx, w.client, w.exam, w.duration)
	if err != nil {
		return err
	}

	w.mu.Lock()
	defer w.mu.Unlock()

	w.token, w.expires = token, expires

	return nil
}

// reached says that the exam is reached at origin, and returns the page's address.
func (w *watching) reached(origin *url.URL) string {
	w.mu.Lock()
	defer w.mu.Unlock()

	w.origin = origin

	return w.address()
}

// address needs the lock.
func (w *watching) address() string {
	return w.origin.JoinPath("x", w.exam.Namespace, w.exam.Name, w.page).String() + "#" + w.token
}

// keepGood renews the token until ctx ends. What does not work is tried again, and
// said once.
func (w *watching) keepGood(ctx context.Context) {
	for said := false; ; {
		w.mu.Lock()
		left := w.expires.Sub(w.Clock.Now())
		w.mu.Unlock()

		// The cluster may make tokens shorter than it is asked to.
		wait := max(left-renewBefore, left/2)
		if said {
			wait = renewAgain
		}

		timer := time.NewTimer(wait)

		select {
		case <-ctx.Done():
			timer.Stop()

			return
		case <-timer.C:
		}

		err := w.mint(ctx)
		if err == nil {
			said = false

			w.renewed()

			continue
		}

		if !said && !errors.Is(err, context.Canceled) {
			said = true

			fmt.Fprintf(w.ErrOut, "The page's token cannot be renewed, and ends in %s; trying again: %v\n", renewBefore, err)
		}
	}
}

// renewed tells of the new address, if there was an old one.
func (w *watching) renewed() {
	w.mu.Lock()
	defer w.mu.Unlock()

	if w.origin == nil {
		return
	}

	fmt.Fprintf(w.Out, "%s: %s\n", w.title, w.address())
	fmt.Fprintf(w.ErrOut,
		"The token of the address before ends in %s. Opening the new one in the same browser renews the pages that are open.\n",
		renewBefore)
}
