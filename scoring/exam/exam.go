// Package exam is what scoring does, without how it is reached: it admits
// students, checks who asks, takes reports, and follows the configuration. The
// HTTP servers call it; it calls the store, the tracker and the SFU pods.
package exam

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"github.com/invigil/invigil/internal/token"
	"github.com/invigil/invigil/internal/wire"
	"github.com/invigil/invigil/scoring/metrics"
	"github.com/invigil/invigil/scoring/policy"
	"github.com/invigil/invigil/scoring/session"
	"github.com/invigil/invigil/scoring/shards"
	"github.com/invigil/invigil/scoring/store"
)

// Media is the SFU pods.
type Media interface {
	View() []shards.Shard
	Lookup(name string) (shards.Shard, bool)
	Resources(student string) []shards.Resource
	End(ctx context.Context, resource shards.Resource) error
}

// Models is the exam's face model.
type Models interface {
	// Served is the checksum of the one that can be had now; "": none.
	Served() string
}

// Options are the parts of an Exam.
type Options struct {
	// Config is the first configuration. Namespace and name never change.
	Config  wire.ExamConfig
	Store   store.Store
	Tracker *session.Tracker
	Media   Media
	// Models are what pages may load for their second engine; nil: none.
	Models Models
	// LinkKey checks students' links, SessionKey signs the rest.
	LinkKey    ed25519.PublicKey
	SessionKey ed25519.PrivateKey
	Now        func() time.Time
	Log        *zap.Logger
	Metrics    *metrics.Set
	// Limits are per session; zero fields mean DefaultLimits.
	Limits Limits
	// Recorder takes what must be on record; nil: nobody does.
	Recorder session.Recorder
}

// Exam is one running exam.
type Exam struct {
	name    string
	store   store.Store
	tracker *session.Tracker
	media   Media
	models  Models
	links   *token.Verifier
	tokens  *token.Verifier
	signer  *token.Signer
	now     func() time.Time
	log     *zap.Logger
	metrics *metrics.Set
	// counted is metrics' own, for what nearly every report comes to.
	counted prometheus.Counter
	limits  *limiters
	actors  *actors

	// background are the clean-ups that no request waits for.
	background sync.WaitGroup
	ctx        context.Context //nolint:containedctx // the life of background
	cancel     context.CancelFunc

	mu     sync.Mutex
	config wire.ExamConfig
	roster map[string]wire.Student
}

// New returns an exam that follows its first configuration.
func New(options Options) (*Exam, error) {
	name := options.Config.Namespace + "/" + options.Config.Name
	signer := token.NewSigner(options.SessionKey, name, options.Now)

	public, ok := options.SessionKey.Public().(ed25519.PublicKey)
	if !ok {
		return nil, errors.New("session key is not Ed25519")
	}

	ctx, cancel := context.WithCancel(context.Background())
	e := &Exam{
		name:    name,
		store:   options.Store,
		tracker: options.Tracker,
		media:   options.Media,
		models:  options.Models,
		signer:  signer,
		now:     options.Now,
		log:     options.Log,
		metrics: options.Metrics,
		counted: options.Metrics.Reports.WithLabelValues(string(store.Counted)),
		limits:  newLimiters(options.Limits),
		actors:  newActors(),
		ctx:     ctx,
		cancel:  cancel,
	}
	e.links = token.NewVerifier(options.LinkKey, name, e.tokenNow)
	e.tokens = token.NewVerifier(public, name, e.tokenNow)

	if options.Recorder != nil {
		e.tracker.SetRecorder(options.Recorder)
	}

	if err := e.Configure(ctx, options.Config); err != nil {
		cancel()

		return nil, err
	}

	return e, nil
}

// Close ends what runs in the background.
func (e *Exam) Close() {
	e.cancel()
	e.background.Wait()
}

var (
	errOtherExam = errors.New("configuration is for another exam")
	errInvalid   = errors.New("configuration is not valid")
)

// CheckConfig says whether an exam can run with config.
func CheckConfig(config wire.ExamConfig) error {
	if config.Namespace == "" || config.Name == "" {
		return fmt.Errorf("%w: no namespace or name", errInvalid)
	}

	engine, err := policy.New(config.Policy)
	if err != nil {
		return fmt.Errorf("%w: %w", errInvalid, err)
	}

	for name, value := range config.Policy.Thresholds {
		if value <= 0 {
			return fmt.Errorf("%w: threshold %s is %v", errInvalid, name, value)
		}
	}

	if config.GraceMs < 0 {
		return fmt.Errorf("%w: grace is %d ms", errInvalid, config.GraceMs)
	}

	seen := make(map[string]bool, len(config.Students))
	for _, student := range config.Students {
		if student.ID == "" || seen[student.ID] {
			return fmt.Errorf("%w: student id %q is empty or there twice", errInvalid, student.ID)
		}

		seen[student.ID] = true

		if student.ExtraTimeMs < 0 {
			return fmt.Errorf("%w: student %s has %d ms of extra time", errInvalid, student.ID, student.ExtraTimeMs)
		}

		if _, err := engine.For(student.Accommodations); err != nil {
			return fmt.Errorf("%w: student %s: %w", errInvalid, student.ID, err)
		}
	}

	return nil
}

// Configure follows a new configuration: sessions of students who left the
// roster end, scores follow the policy. An error changes nothing.
func (e *Exam) Configure(ctx context.Context, config wire.ExamConfig) error {
	if err := CheckConfig(config); err != nil {
		return err
	}

	if config.Namespace+"/"+config.Name != e.name {
		return fmt.Errorf("%w: %s/%s", errOtherExam, config.Namespace, config.Name)
	}

	engine, err := policy.New(config.Policy)
	if err != nil {
		return fmt.Errorf("%w: %w", errInvalid, err)
	}

	roster := make(map[string]wire.Student, len(config.Students))
	for _, student := range config.Students {
		roster[student.ID] = student
	}

	e.mu.Lock()
	known := e.roster
	e.config, e.roster = config, roster
	e.mu.Unlock()

	for _, student := range e.tracker.Configure(config, engine) {
		e.limits.forget(student)
		e.endStreams(e.media.Resources(student)) //nolint:contextcheck // nobody waits for it
	}

	// Whoever comes onto a running exam's roster may have been on it before.
	if known == nil {
		return nil
	}

	var came []store.Record

	for student := range roster {
		if _, was := known[student]; !was {
			came = append(came, store.Record{Student: student})
		}
	}

	return e.load(ctx, came)
}

// load brings what the store holds to the tracker.
func (e *Exam) load(ctx context.Context, students []store.Record) error {
	if len(students) == 0 {
		return nil
	}

	records, err := e.store.Sync(ctx, students, e.ExpireAt())
	if err != nil {
		return fmt.Errorf("read sessions: %w", err)
	}

	e.Restored(records)

	return nil
}

// Config is the configuration in force.
func (e *Exam) Config() wire.ExamConfig {
	e.mu.Lock()
	defer e.mu.Unlock()

	return e.config
}

// Base is the exam's path, with both slashes.
func (e *Exam) Base() string { return "/x/" + e.name + "/" }

// Students are the ids of the roster.
func (e *Exam) Students() []string {
	e.mu.Lock()
	defer e.mu.Unlock()

	students := make([]string, 0, len(e.roster))
	for id := range e.roster {
		students = append(students, id)
	}

	return students
}

// endStreams ends media sessions that nobody may have any more, without being
// waited for: it is a courtesy, since their tokens are no longer accepted.
func (e *Exam) endStreams(resources []shards.Resource) {
	for _, resource := range resources {
		e.background.Go(func() {
			ctx, cancel := context.WithTimeout(e.ctx, 5*time.Second)
			defer cancel()

			if err := e.media.End(ctx, resource); err != nil && e.ctx.Err() == nil {
				e.log.Warn("media session could not be ended", zap.String("shard", resource.Shard),
					zap.String("media", resource.ID), zap.Error(err))
			}
		})
	}
}
