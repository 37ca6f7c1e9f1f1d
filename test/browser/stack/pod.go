package main

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"path/filepath"
	"strconv"
	"time"

	"github.com/invigil/invigil/internal/wire"
)

// drainTimeout: students of a test do not move.
const drainTimeout = 2 * time.Second

// pod is where one SFU pod is reached.
type pod struct {
	// part is the pod in commands, shard in tokens and on the wire.
	part, shard string
	// announcedAddr is where media reaches it: mediaAddr, or a relay's.
	httpAddr, mediaAddr, announcedAddr string
}

// newPod has three addresses of its own.
func newPod(number int, addrs []string, badLink bool) pod {
	p := pod{
		part: "sfu", shard: name + "-sfu-" + strconv.Itoa(number),
		httpAddr: addrs[0], mediaAddr: addrs[1], announcedAddr: addrs[1],
	}

	if number > 0 {
		p.part += "-" + strconv.Itoa(number)
	}

	if badLink {
		p.announcedAddr = addrs[2]
	}

	return p
}

// sfu is the pod's process.
func (e *exam) sfu(pod pod) *part {
	return &part{
		name: pod.part, path: filepath.Join(e.opts.bin, "sfu"), dir: e.opts.dir,
		args: []string{
			"--name=" + pod.shard, "--exam=" + namespace + "/" + name,
			"--shards-file=" + e.file("shards.json"), "--session-key=" + e.file("session.pub"),
			"--http-addr=" + pod.httpAddr, "--media-addr=" + pod.mediaAddr,
			"--drain-timeout=" + drainTimeout.String(),
		},
		ready: answers("http://" + pod.httpAddr + "/readyz"),
	}
}

// podOf is the pod of a shard; "" is the first.
func (e *exam) podOf(shard string) (pod, error) {
	for _, pod := range e.pods {
		if shard == "" || pod.shard == shard {
			return pod, nil
		}
	}

	return pod{}, fmt.Errorf("no shard %q", shard)
}

// shardsFile tells scoring and the pods of all pods.
func shardsFile(pods []pod) ([]byte, error) {
	var file wire.Shards

	for _, pod := range pods {
		media, err := netip.ParseAddrPort(pod.announcedAddr)
		if err != nil {
			return nil, fmt.Errorf("media address: %w", err)
		}

		file.Shards = append(file.Shards, wire.Shard{
			Name:      pod.shard,
			URL:       "http://" + pod.httpAddr,
			Addresses: []wire.Address{{IP: media.Addr().String(), Port: media.Port()}},
		})
	}

	data, err := json.Marshal(file)
	if err != nil {
		return nil, fmt.Errorf("encode shards: %w", err)
	}

	return data, nil
}
