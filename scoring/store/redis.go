package store

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/invigil/invigil/scoring/policy"
)

//go:embed scripts/join.lua
var joinScript string

//go:embed scripts/report.lua
var reportScript string

//go:embed scripts/sync.lua
var syncScript string

// The client's limits. They are short: when Redis does not answer, memory does,
// and a student waits for this long once. Nothing is retried, for the same
// reason; Failover comes back to it.
const (
	dialTimeout = time.Second
	ioTimeout   = 500 * time.Millisecond
)

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
}

// NewClient returns a client for the given addresses. The password is read from
// passwordFile, unless it is "", at every new connection, so that it can be
// changed without a restart.
func NewClient(addrs []string, passwordFile string) redis.UniversalClient {
	// The client's own log lines are no JSON, and repeat what Failover says.
	redis.SetLogger(silence{})

	options := &redis.UniversalOptions{
		Addrs:                 addrs,
		ClientName:            "invigil-scoring",
		DialTimeout:           dialTimeout,
		DialerRetries:         1,
		ReadTimeout:           ioTimeout,
		WriteTimeout:          ioTimeout,
		PoolTimeout:           dialTimeout,
		MaxRetries:            -1,
		ContextTimeoutEnabled: true,
	}

	if passwordFile != "" {
		options.CredentialsProviderContext = func(context.Context) (string, string, error) {
			password, err := os.ReadFile(passwordFile)
			if err != nil {
				return "", "", fmt.Errorf("redis password: %w", err)
			}

			return "", strings.TrimSpace(string(password)), nil
		}
	}

	return redis.NewUniversalClient(options)
}

type silence struct{}

// Printf implements the client's logging interface.
func (silence) Printf(context.Context, string, ...any) {}

// NewRedis returns the store of the exam <namespace>/<name>.
func NewRedis(client redis.UniversalClient, exam string) *Redis {
	return &Redis{
		client: client,
		prefix: "{" + exam + "}",
		join:   redis.NewScript(joinScript),
		report: redis.NewScript(reportScript),
		sync:   redis.NewScript(syncScript),
	}
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

// Report implements Store.
func (r *Redis) Report(ctx context.Context, report Report) (Outcome, error) {
	args := []any{report.SID, report.Seq, report.At, report.ExpireAt, flag(report.Live)}
	for _, candidate := range report.Violations {
		args = append(args, candidate.Type, candidate.TTLMs)
	}

	reply, err := r.report.Run(ctx, r.client, []string{r.key(report.Student)}, args...).Slice()
	if err != nil {
		return Outcome{}, fmt.Errorf("redis report: %w", err)
	}

	return parseOutcome(report.Student, reply)
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

func flag(set bool) string {
	if set {
		return "1"
	}

	return "0"
}

var errReply = errors.New("redis gave an unexpected reply")

func parseOutcome(student string, reply []any) (Outcome, error) {
	if len(reply) != 3 {
		return Outcome{}, fmt.Errorf("%w: %d parts", errReply, len(reply))
	}

	status, _ := reply[0].(string)
	types, _ := reply[1].([]any)
	fields, _ := reply[2].([]any)

	outcome := Outcome{Status: Status(status)}

	for _, name := range types {
		violation, ok := name.(string)
		if !ok {
			return Outcome{}, fmt.Errorf("%w: type is %T", errReply, name)
		}

		outcome.Counted = append(outcome.Counted, violation)
	}

	record, err := parseRecord(student, fields)
	outcome.Record = record

	return outcome, err
}

func parseRecord(student string, fields []any) (Record, error) {
	record := Record{Student: student}

	for i := 0; i+1 < len(fields); i += 2 {
		name, named := fields[i].(string)
		value, valued := fields[i+1].(string)

		if !named || !valued {
			return Record{}, fmt.Errorf("%w: field is %T: %T", errReply, fields[i], fields[i+1])
		}

		if err := record.setField(name, value); err != nil {
			return Record{}, fmt.Errorf("%w: field %s: %w", errReply, name, err)
		}
	}

	return record, nil
}

func (r *Record) setField(name, value string) error {
	switch name {
	case "device":
		r.Device = value

		return nil
	case "sid":
		r.SID = value

		return nil
	}

	number, err := strconv.ParseInt(value, 10, 64)
	if err != nil {
		return fmt.Errorf("not a number: %w", err)
	}

	kind, violation, _ := strings.Cut(name, ":")

	switch kind {
	case "joined":
		r.JoinedAt = number
	case "gen":
		r.Generation = number
	case "seq":
		r.Seq = number
	case "live":
		r.Live = number == 1
	case "n", "last":
		if r.Tally == nil {
			r.Tally = policy.Tally{}
		}

		count := r.Tally[violation]
		if kind == "n" {
			count.N = int(number)
		} else {
			count.LastAt = number
		}

		r.Tally[violation] = count
	}
	// A field of a later version is left alone.

	return nil
}
