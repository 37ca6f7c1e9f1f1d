package store

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"
)

//go:embed scripts/join.lua
var joinScript string

//go:embed scripts/report.lua
var reportScript string

//go:embed scripts/sync.lua
var syncScript string

// syncBatch is how many records go into one pipeline of Sync.
const syncBatch = 200

// ErrForgot means that Redis answers, and does not hold what it held before.
var ErrForgot = errors.New("redis has lost its data")

// Redis is a Store in Redis: one hash per student. All keys of an exam carry one
// hash tag, so that a cluster keeps them on one node, and all of them expire.
type Redis struct {
	client redis.UniversalClient
	prefix string
	join   *redis.Script
	report *redis.Script
	sync   *redis.Script
	batch  *batcher
}

// NewRedis returns the store of the exam <namespace>/<name>.
func NewRedis(client redis.UniversalClient, exam string) *Redis {
	r := &Redis{
		client: client,
		prefix: "{" + exam + "}",
		join:   redis.NewScript(joinScript),
		report: redis.NewScript(reportScript),
		sync:   redis.NewScript(syncScript),
	}
	r.batch = newBatcher(r.send)

	return r
}

func (r *Redis) key(student string) string { return r.prefix + ":session:" + student }

// marker exists while Redis holds what was written to it.
func (r *Redis) marker() string { return r.prefix + ":marker" }

// Check is nil while Redis answers and holds the marker. Errors: ErrForgot, or
// what the client gave.
func (r *Redis) Check(ctx context.Context) error {
	found, err := r.client.Exists(ctx, r.marker()).Result()

	switch {
	case err != nil:
		return fmt.Errorf("redis: %w", err)
	case found == 0:
		return ErrForgot
	default:
		return nil
	}
}

// Mark writes the marker.
func (r *Redis) Mark(ctx context.Context, expireAt int64) error {
	pipe := r.client.TxPipeline()
	pipe.Set(ctx, r.marker(), "1", 0)
	pipe.PExpireAt(ctx, r.marker(), time.UnixMilli(expireAt))

	if _, err := pipe.Exec(ctx); err != nil {
		return fmt.Errorf("redis: %w", err)
	}

	return nil
}

// Join implements Store.
func (r *Redis) Join(ctx context.Context, join Join) (Record, error) {
	reply, err := r.join.Run(ctx, r.client, []string{r.key(join.Student)},
		join.Device, join.SID, join.At, join.ExpireAt, join.Floor, flag(join.Force)).Slice()
	if err != nil {
		return Record{}, fmt.Errorf("redis join: %w", err)
	}

	return parseRecord(join.Student, reply)
}

// Report implements Store. Reports that come at about the same time share one
// round trip.
func (r *Redis) Report(ctx context.Context, report Report) (Outcome, error) {
	return r.batch.do(ctx, report)
}

// Reports takes several, in order. Errors: the first that one of them got; the
// outcomes of those before it are returned.
func (r *Redis) Reports(ctx context.Context, reports []Report) ([]Outcome, error) {
	outcomes := make([]Outcome, 0, len(reports))

	for start := 0; start < len(reports); start += maxBatch {
		batch := reports[start:min(start+maxBatch, len(reports))]

		for _, result := range r.send(ctx, batch) {
			if result.err != nil {
				return outcomes, result.err
			}

			outcomes = append(outcomes, result.outcome)
		}
	}

	return outcomes, nil
}

// send makes one round trip of reports: one result each, in order.
func (r *Redis) send(ctx context.Context, reports []Report) []result {
	commands := make([]*redis.Cmd, len(reports))
	pipe := r.client.Pipeline()

	for i := range reports {
		commands[i] = pipe.EvalSha(ctx, r.report.Hash(), []string{r.key(reports[i].Student)}, reportArgs(&reports[i])...)
	}

	_, _ = pipe.Exec(ctx) // Every command has its own error.

	// A node that has (re)started, or has just got the exam's keys from another
	// one, does not have the script: nothing was done then. The first of those
	// reports brings it.
	var again redis.Pipeliner

	for i, command := range commands {
		if !redis.HasErrorPrefix(command.Err(), "NOSCRIPT") {
			continue
		}

		keys, args := []string{r.key(reports[i].Student)}, reportArgs(&reports[i])

		if again == nil {
			again = r.client.Pipeline()
			commands[i] = r.report.Eval(ctx, again, keys, args...)
		} else {
			commands[i] = r.report.EvalSha(ctx, again, keys, args...)
		}
	}

	if again != nil {
		_, _ = again.Exec(ctx)
	}

	results := make([]result, len(reports))

	for i, command := range commands {
		reply, err := command.Slice()
		if err != nil {
			results[i].err = fmt.Errorf("redis report: %w", err)

			continue
		}

		results[i].outcome, results[i].err = parseOutcome(reports[i].Student, reply)
	}

	return results
}

func reportArgs(report *Report) []any {
	args := make([]any, 0, 5+2*len(report.Violations))
	args = append(args, report.SID, report.Seq, report.At, report.ExpireAt, flag(report.Live))

	for _, candidate := range report.Violations {
		args = append(args, candidate.Type, candidate.TTLMs)
	}

	return args
}

// Sync implements Store.
func (r *Redis) Sync(ctx context.Context, records []Record, expireAt int64) ([]Record, error) {
	merged := make([]Record, 0, len(records))

	for start := 0; start < len(records); start += syncBatch {
		batch := records[start:min(start+syncBatch, len(records))]

		replies, err := r.syncBatch(ctx, batch, expireAt)
		if err != nil {
			return nil, err
		}

		merged = append(merged, replies...)
	}

	return merged, nil
}

func (r *Redis) syncBatch(ctx context.Context, batch []Record, expireAt int64) ([]Record, error) {
	// A pipeline cannot fall back from EVALSHA to EVAL. The first command carries
	// the script, and the others, which go to the same node, find it there.
	pipe := r.client.Pipeline()
	run := r.sync.Eval

	commands := make([]*redis.Cmd, 0, len(batch))

	for _, record := range batch {
		args := []any{
			expireAt, record.JoinedAt, record.Device, record.SID, record.Generation, record.Seq, flag(record.Live),
		}
		for violation, count := range record.Tally {
			args = append(args, violation, count.N, count.LastAt)
		}

		args = append(args, record.keptArgs()...)

		commands = append(commands, run(ctx, pipe, []string{r.key(record.Student)}, args...))
		run = r.sync.EvalSha
	}

	if _, err := pipe.Exec(ctx); err != nil {
		return nil, fmt.Errorf("redis sync: %w", err)
	}

	merged := make([]Record, 0, len(batch))

	for i, command := range commands {
		reply, err := command.Slice()
		if err != nil {
			return nil, fmt.Errorf("redis sync: %w", err)
		}

		record, err := parseRecord(batch[i].Student, reply)
		if err != nil {
			return nil, err
		}

		merged = append(merged, record)
	}

	return merged, nil
}
