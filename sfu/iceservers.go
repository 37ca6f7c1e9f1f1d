package sfu

import (
	"context"
	"encoding/json"
	"fmt"
	"sync/atomic"

	"go.uber.org/zap"

	"github.com/invigil/invigil/internal/mounted"
	"github.com/invigil/invigil/internal/wire"
)

// iceServers are what peers may use to reach the pod. Credentials are
// short-lived, so the file changes while the pod runs.
type iceServers struct {
	servers atomic.Pointer[[]wire.IceServer]
}

func (i *iceServers) current() []wire.IceServer {
	if servers := i.servers.Load(); servers != nil {
		return *servers
	}

	return nil
}

// follow applies the file, a JSON array of ICE servers, until ctx ends.
func (i *iceServers) follow(ctx context.Context, path string, logger *zap.Logger) {
	if path == "" {
		return
	}

	mounted.Follow(ctx, path, func(data []byte) error {
		var servers []wire.IceServer
		if err := json.Unmarshal(data, &servers); err != nil {
			return fmt.Errorf("read ICE servers: %w", err)
		}

		i.servers.Store(&servers)

		return nil
	}, func(err error) { logger.Warn("ICE servers file", zap.Error(err)) })
}
