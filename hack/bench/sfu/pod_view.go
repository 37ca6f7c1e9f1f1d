package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/invigil/invigil/hack/lab/client"
	"github.com/invigil/invigil/internal/token"
	"github.com/invigil/invigil/internal/wire"
)

// podView is a viewer of ours: the slot viewer of docs/protocol.md.
type podView struct {
	viewer *client.Viewer

	mu      sync.Mutex
	refused []error
}

func (p *pod) view(ctx context.Context, id string, students []string, onPacket packetHandler) (view, error) {
	grant, err := p.signer.Sign(token.View, id, time.Minute, token.Claims{Shard: shard})
	if err != nil {
		return nil, err
	}

	v := &podView{}

	v.viewer, err = client.NewViewer(client.ViewerConfig{
		URL:        p.base + "/view",
		Grant:      grant,
		Slots:      len(students),
		HTTPClient: p.http,
		OnPacket:   onPacket,
		OnEvent:    v.event,

		API:           p.connector.viewing,
		Configuration: p.connector.configuration,
	})
	if err != nil {
		return nil, err
	}

	changes := make([]assignment, len(students))
	for slot, student := range students {
		changes[slot] = assignment{slot, student}
	}

	err = v.viewer.Connect(ctx)
	if err == nil {
		err = v.assign(ctx, changes)
	}

	if err != nil {
		return nil, errors.Join(err, v.close())
	}

	return v, nil
}

func (v *podView) event(event wire.ViewEvent) {
	if event.Error == nil {
		return
	}

	v.mu.Lock()
	defer v.mu.Unlock()

	v.refused = append(v.refused, fmt.Errorf("refused: %s: %s", event.Error.Code, event.Error.Message))
}

func (v *podView) assign(ctx context.Context, changes []assignment) error {
	for _, change := range changes {
		if err := v.viewer.Assign(ctx, change.slot, change.student, wire.LayerLow); err != nil {
			return err
		}
	}

	return nil
}

func (v *podView) failed() error {
	v.mu.Lock()
	defer v.mu.Unlock()

	return errors.Join(append(v.refused, v.viewer.Err())...)
}

func (v *podView) close() error { return v.viewer.Close() }
