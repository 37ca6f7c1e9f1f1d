package store

import (
	"context"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

// The client's limits. They are short: when Redis does not answer, memory does,
// and a student waits for this long once. Nothing is retried, for the same
// reason; Failover comes back to it. With a
// busy Redis on the same machine, 99 % of violations were at a wall within 8 ms
// (make bench-scoring at 4,000 reports/s).
const (
	dialTimeout = time.Second
	ioTimeout   = 300 * time.Millisecond
)

// NewClient returns a client for the given addresses; several are a cluster. The
// password is read from passwordFile, unless it is "", at every new connection,
// so that it can be changed without a restart.
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
