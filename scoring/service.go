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
	"github.com/invigil/invigil/scoring/facemodel"
	"github.com/invigil/invigil/scoring/feed"
	"github.com/invigil/invigil/scoring/internalapi"
	"github.com/invigil/invigil/scoring/invigilator"
	"github.com/invigil/invigil/scoring/metrics"
	"github.com/invigil/invigil/scoring/public"
	"github.com/invigil/invigil/scoring/session"
	"github.com/invigil/invigil/scoring/shards"
	"github.com/invigil/invigil/scoring/store"
	"github.com/invigil/invigil/scoring/witness"
)

const (
	// connectAtStart is how long a start waits for the store: long enough that
	// students who come back at once find their scores, short enough that an
	// exam starts without a store.
	connectAtStart = 2 * time.Second
	// tick is how often the schedule is looked at.
	tick = 200 * time.Millisecond
	// saveTicks is how many ticks pass between two looks for what is to be saved.
	saveTicks = 5
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
	// invigilators says who may watch, feed tells them.
	invigilators *invigilator.Checker
	feed         *feed.Hub
	// models is the face model that pages may load.
	models *facemodel.Holder
	// witness puts on record what happens; nil: nobody does.
	witness *witness.Witness
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
		models:  facemodel.New(options.FaceModel, options.Log.Named("facemodel"), set.FaceModelMissing),
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
		Restored: s.restored,
		Counted:  s.tracker.Counted,
	})

	if options.JournalDir != "" {
		if err := s.store.OpenJournal(options.JournalDir, name); err != nil {
			return nil, err
		}
	}

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

	var (
		err      error
		recorder session.Recorder
	)

	if options.Evidence != nil {
		if s.witness, err = s.newWitness(name, config.Evidence); err != nil {
			return nil, err
		}

		recorder = s.witness
	} else {
		options.Log.Warn("no evidence is kept: scoring was started without a bucket for it")
	}

	s.exam, err = exam.New(exam.Options{
		Config: config, Store: s.store, Tracker: s.tracker, Media: s.watcher, Models: s.models,
		LinkKey: options.LinkKey, SessionKey: options.SessionKey,
		Now: options.Now, Log: options.Log.Named("exam"), Metrics: set, Limits: options.Limits,
		Recorder: recorder,
	})
	if err != nil {
		s.closeWitness()

		return nil, err
	}

	s.invigilators = invigilator.New(options.Now)
	s.feed = feed.New(feed.Options{
		Source: s.tracker, Now: options.Now, Log: options.Log.Named("feed"), Registry: options.Registry,
	})
	s.tracker.OnEvent(s.feed.Event)

	parts := public.Options{
		Invigilators: s.invigilators, Feed: s.feed, Actor: s.exam, Models: s.models, Now: options.Now,
		Exam: s.exam, Page: options.Page, Log: options.Log.Named("public"), Metrics: set, Transport: s.transport,
		PingInterval: options.PingInterval, WriteTimeout: options.WriteTimeout, Tiles: options.Tiles,
	}

	if s.witness != nil {
		parts.Actor, parts.Witness = s.witness.Witnessed(s.exam), s.witness
	}

	s.public, err = public.New(parts)
	if err != nil {
		s.exam.Close()
		s.closeWitness()

		return nil, err
	}

	s.models.Configure(config.FaceModel)

	if err := s.invigilators.Configure(config.Invigilators); err != nil {
		options.Log.Warn("nobody may watch", zap.Error(err))
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
	group.Go(func() error {
		s.models.Run(ctx)

		return nil
	})
	group.Go(func() error {
		s.feed.Run(ctx)

		return nil
	})

	if s.witness != nil {
		group.Go(func() error {
			s.witness.Run(ctx)

			return nil
		})
	}
}

// configure follows a new configuration. What is wrong with the invigilators' part
// keeps nobody from sitting the exam.
func (s *service) configure(ctx context.Context, config wire.ExamConfig) error {
	if err := s.exam.Configure(ctx, config); err != nil {
		return err
	}

	s.models.Configure(config.FaceModel)

	if s.witness != nil {
		s.witness.Configure(config.Evidence)
	}

	return s.invigilators.Configure(config.Invigilators)
}

// schedule lets time pass, then closes the sockets: clients must learn that they
// may come back before the process is gone.
func (s *service) schedule(ctx context.Context) {
	ticker := time.NewTicker(tick)
	defer ticker.Stop()

	ticks := 0

	for {
		select {
		case <-ctx.Done():
			s.public.Drain()

			if s.witness != nil {
				s.witness.Leave()
			}

			s.tracker.CloseAll(wire.CloseShutdown, "the server shuts down")
			s.public.Wait()
			s.exam.SaveAll(context.WithoutCancel(ctx))

			return
		case <-ticker.C:
			s.tracker.Advance()

			if ticks++; ticks%saveTicks == 0 {
				s.exam.Save(ctx)
			}
		}
	}
}

// close ends what is left when nothing runs any more.
func (s *service) close() {
	s.exam.Close()
	s.closeWitness()
	s.transport.CloseIdleConnections()

	if err := s.store.Close(); err != nil {
		s.options.Log.Warn("journal", zap.Error(err))
	}
}

// seen turns the pods' view into the students' one. A student may be on two pods
// for a moment, when one takes over from the other: what is received counts, of
// two what need not move, and of two the later.
func (s *service) seen(view []shards.Shard) {
	best := map[string]dated{}
	health := make([]wire.ShardHealth, 0, len(view))

	for _, shard := range view {
		streaming := 0

		for _, stream := range shard.Streams {
			if stream.Receiving {
				streaming++
			}

			now := dated{session.Stream{
				Shard: shard.Name, Media: stream.Session, Receiving: stream.Receiving,
				Wanted: stream.Wanted, Draining: shard.Draining,
				Dark: shards.Dark(stream), Still: shards.Still(stream), Limited: stream.Limited,
			}, stream.Since}

			if have, known := best[stream.Student]; !known || now.better(have) {
				best[stream.Student] = now
			}
		}

		health = append(health, wire.ShardHealth{Name: shard.Name, Ready: shard.Ready, Streaming: streaming})
	}

	streams := make(map[string]session.Stream, len(best))
	for student, stream := range best {
		streams[student] = stream.Stream
	}

	if s.witness != nil {
		s.witness.Streams(streams)
	}

	s.tracker.SetStreams(streams, health)
}

// dated is a stream and when it began, by its pod's clock.
type dated struct {
	session.Stream

	since int64
}

// better is whether d, rather than other, is the student's stream.
func (d dated) better(other dated) bool {
	switch {
	case d.Receiving != other.Receiving:
		return d.Receiving
	case d.Draining != other.Draining:
		return other.Draining
	default:
		return d.since > other.since
	}
}
