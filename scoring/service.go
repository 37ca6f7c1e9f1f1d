package scoring

import (
	"context"
	"crypto/ed25519"
	"errors"
	"net/http"
	"time"

	"go.uber.org/zap"
	"golang.org/x/sync/errgroup"

	"github.com/invigil/invigil/internal/token"
	"github.com/invigil/invigil/internal/wire"
	"github.com/invigil/invigil/scoring/exam"
	"github.com/invigil/invigil/scoring/internalapi"
	"github.com/invigil/invigil/scoring/metrics"
	"github.com/invigil/invigil/scoring/public"
	"github.com/invigil/invigil/scoring/session"
	"github.com/invigil/invigil/scoring/shards"
	"github.com/invigil/invigil/scoring/store"
)

const (
	// connectAtStart is how long a start waits for the store: long enough that
	// students who come back at once find their scores, short enough that an
	// exam starts without a store.
	connectAtStart = 2 * time.Second
	// tick is how often the schedule is looked at.
	tick = 200 * time.Millisecond
	// podTimeout bounds what a pod may take to answer an offer.
	podTimeout = 10 * time.Second
)

// service is everything that needs the exam's configuration.
type service struct {
	options  Options
	exam     *exam.Exam
	tracker  *session.Tracker
	store    *store.Failover
	watcher  *shards.Watcher
	public   *public.Server
	sessions http.Handler
	// transport reaches the pods.
	transport *http.Transport
}

func newService(config wire.ExamConfig, options Options, set *metrics.Set) (*service, error) {
	if err := exam.CheckConfig(config); err != nil {
		return nil, err
	}

	name := config.Namespace + "/" + config.Name

	key, ok := options.SessionKey.Public().(ed25519.PublicKey)
	if !ok {
		return nil, errors.New("session key is not Ed25519")
	}

	s := &service{
		options: options,
		tracker: session.NewTracker(options.Now, set),
		transport: &http.Transport{
			MaxIdleConnsPerHost:   64,
			IdleConnTimeout:       time.Minute,
			ResponseHeaderTimeout: podTimeout,
		},
	}
	s.sessions = internalapi.Sessions(s.tracker, token.NewVerifier(key, name, options.Now))
	s.store = store.NewFailover(store.FailoverOptions{
		Remote:   store.NewRedis(options.Redis, name),
		Log:      options.Log.Named("store"),
		Metrics:  set,
		Students: func() []string { return s.exam.Students() },
		ExpireAt: func() int64 { return s.exam.ExpireAt() },
		Changed:  s.tracker.SetStored,
		Restored: func(records []store.Record) { s.exam.Restored(records) },
	})

	signer := token.NewSigner(options.SessionKey, name, options.Now)
	s.watcher = shards.New(shards.Options{
		Client: &http.Client{Transport: s.transport},
		Token: func() (string, error) {
			return signer.Sign(token.Internal, "scoring", time.Minute, token.Claims{})
		},
		Log:     options.Log.Named("shards"),
		Metrics: set,
		Changed: s.seen,
		Silence: options.ShardSilence,
	})

	var err error

	s.exam, err = exam.New(exam.Options{
		Config: config, Store: s.store, Tracker: s.tracker, Media: s.watcher,
		LinkKey: options.LinkKey, SessionKey: options.SessionKey,
		Now: options.Now, Log: options.Log.Named("exam"), Metrics: set, Limits: options.Limits,
	})
	if err != nil {
		return nil, err
	}

	s.public, err = public.New(public.Options{
		Exam: s.exam, Page: options.Page, Log: options.Log.Named("public"), Metrics: set, Transport: s.transport,
		PingInterval: options.PingInterval, WriteTimeout: options.WriteTimeout,
	})
	if err != nil {
		s.exam.Close()

		return nil, err
	}

	return s, nil
}

// start begins everything that runs until ctx ends.
func (s *service) start(ctx context.Context, group *errgroup.Group) {
	first, cancel := context.WithTimeout(ctx, connectAtStart)
	defer cancel()

	if err := s.store.Connect(first); err != nil {
		s.options.Log.Warn("starting without the store", zap.Error(err))
	}

	s.tracker.Advance()
	group.Go(func() error {
		s.store.Run(ctx)

		return nil
	})
	group.Go(func() error {
		s.watcher.Run(ctx, s.options.ShardsFile)

		return nil
	})
	group.Go(func() error {
		s.schedule(ctx)

		return nil
	})
}

// schedule lets time pass, then closes the sockets: clients must learn that they
// may come back before the process is gone.
func (s *service) schedule(ctx context.Context) {
	ticker := time.NewTicker(tick)
	defer ticker.Stop()

	for {
		select {
		case <-ctx.Done():
			s.public.Drain()
			s.tracker.CloseAll(wire.CloseShutdown, "the server shuts down")
			s.public.Wait()

			return
		case <-ticker.C:
			s.tracker.Advance()
		}
	}
}

// close ends what is left when nothing runs any more.
func (s *service) close() {
	s.exam.Close()
	s.transport.CloseIdleConnections()
}

// seen turns the pods' view into the students' one. A student may be on two pods
// for a moment, when one takes over from the other: what is received counts, and
// of two the later.
func (s *service) seen(view []shards.Shard) {
	type latest struct {
		session.Stream

		since int64
	}

	best := map[string]latest{}
	health := make([]wire.ShardHealth, 0, len(view))

	for _, shard := range view {
		streaming := 0

		for _, stream := range shard.Streams {
			if stream.Receiving {
				streaming++
			}

			now := latest{session.Stream{Shard: shard.Name, Receiving: stream.Receiving}, stream.Since}
			have, known := best[stream.Student]

			if !known || (now.Receiving && !have.Receiving) ||
				(now.Receiving == have.Receiving && now.since > have.since) {
				best[stream.Student] = now
			}
		}

		health = append(health, wire.ShardHealth{Name: shard.Name, Ready: shard.Ready, Streaming: streaming})
	}

	streams := make(map[string]session.Stream, len(best))
	for student, stream := range best {
		streams[student] = stream.Stream
	}

	s.tracker.SetStreams(streams, health)
}
