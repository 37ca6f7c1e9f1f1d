package scoring

import (
	"context"
	"time"

	"github.com/invigil/invigil/internal/wire"
	"github.com/invigil/invigil/scoring/store"
	"github.com/invigil/invigil/scoring/witness"
)

// recordAtEnd is how long the end of scoring waits for what is not recorded yet.
const recordAtEnd = 5 * time.Second

func (s *service) newWitness(name string, config *wire.EvidenceConfig) (*witness.Witness, error) {
	w, err := witness.New(witness.Options{
		URL: s.options.Evidence.URL, Key: s.options.Evidence.Key, Random: s.options.Evidence.Random,
		UploadWait: s.options.Evidence.UploadWait,
		Exam:       name, Tracker: s.tracker, KeyFrame: s.watcher.KeyFrame,
		Students: func() []string { return s.exam.Students() },
		Now:      s.options.Now, Log: s.options.Log.Named("evidence"), Registry: s.options.Registry,
	})
	if err != nil {
		return nil, err
	}

	w.Configure(config)

	return w, nil
}

// restored takes records that the store gave.
func (s *service) restored(records []store.Record) {
	s.exam.Restored(records)

	if s.witness != nil {
		s.witness.Restored(records)
	}
}

func (s *service) closeWitness() {
	if s.witness == nil {
		return
	}

	ctx, cancel := context.WithTimeout(context.Background(), recordAtEnd)
	defer cancel()

	s.witness.Close(ctx)
}
