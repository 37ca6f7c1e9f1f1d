// Package announce says where students send their media: it reads the pod's own
// addresses from shards.json, which are the only ICE candidates of an answer.
package announce

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"slices"
	"sync/atomic"

	"github.com/invigil/invigil/internal/wire"
	"github.com/invigil/invigil/sfu/negotiate"
)

// Addresses are the media addresses of one pod. They change while the pod runs:
// a node port or a load balancer's address is known only some time after the
// pod has started. Addresses is safe for concurrent use.
type Addresses struct {
	shard   string
	current atomic.Pointer[[]netip.AddrPort]
	changed func([]netip.AddrPort)
}

// NewAddresses returns the addresses, none at first, of the pod called shard.
// changed is called, from Apply, with the new addresses whenever they differ.
func NewAddresses(shard string, changed func([]netip.AddrPort)) *Addresses {
	return &Addresses{shard: shard, changed: changed}
}

// Apply takes the content of shards.json. Content that cannot be read is an
// error and leaves what was announced before in force; a pod that is not listed
// has no addresses.
func (a *Addresses) Apply(data []byte) error {
	next, err := parse(data, a.shard)
	if err != nil {
		return err
	}

	if slices.Equal(a.Current(), next) {
		return nil
	}

	a.current.Store(&next)
	a.changed(next)

	return nil
}

// Current returns the addresses to announce, which the caller must not change.
// There are none until the operator knows them.
func (a *Addresses) Current() []netip.AddrPort {
	if current := a.current.Load(); current != nil {
		return *current
	}

	return nil
}

// Candidates are the addresses as ICE candidates: the same port number takes UDP
// and, for networks that let no UDP through, TCP.
func Candidates(addresses []netip.AddrPort) []negotiate.Candidate {
	candidates := make([]negotiate.Candidate, 0, 2*len(addresses))

	for _, protocol := range []negotiate.Protocol{negotiate.UDP, negotiate.TCP} {
		for _, address := range addresses {
			candidates = append(candidates, negotiate.Candidate{AddrPort: address, Protocol: protocol})
		}
	}

	return candidates
}

func parse(data []byte, shard string) ([]netip.AddrPort, error) {
	var file wire.Shards
	if err := json.Unmarshal(data, &file); err != nil {
		return nil, fmt.Errorf("decode shards: %w", err)
	}

	own := slices.IndexFunc(file.Shards, func(s wire.Shard) bool { return s.Name == shard })
	if own < 0 {
		return nil, nil
	}

	var addresses []netip.AddrPort

	for _, address := range file.Shards[own].Addresses {
		ip, err := netip.ParseAddr(address.IP)
		if err != nil {
			return nil, fmt.Errorf("shard %s: %w", shard, err)
		}

		if address.Port == 0 {
			return nil, fmt.Errorf("shard %s: address %s has no port", shard, ip)
		}

		// A zone means something on this machine only, and a mapped IPv4
		// address is for a browser an IPv6 address that goes nowhere.
		next := netip.AddrPortFrom(ip.Unmap().WithZone(""), address.Port)
		if !slices.Contains(addresses, next) {
			addresses = append(addresses, next)
		}
	}

	return addresses, nil
}
