package redistest

import (
	"context"
	"net"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

// slots of a Redis cluster.
const slots = 16384

// Cluster is several servers that share the slots.
type Cluster struct {
	Nodes []*Server

	t *testing.T
}

// StartCluster runs a cluster of three masters until the test ends, and returns
// when all of them know it.
func StartCluster(t *testing.T) *Cluster {
	t.Helper()

	c := &Cluster{t: t}

	for range 3 {
		node := Reserve(t)
		// The bus is on a port of its own, by default 10,000 above.
		bus := Reserve(t)
		_, port, _ := net.SplitHostPort(bus.Addr)
		node.args = []string{
			"--cluster-enabled", "yes", "--cluster-port", port, "--cluster-node-timeout", "5000", "--masterauth", Password,
		}
		node.Restart()

		c.Nodes = append(c.Nodes, node)
	}

	for i, node := range c.Nodes {
		client := node.Client()

		first, last := i*slots/len(c.Nodes), (i+1)*slots/len(c.Nodes)-1
		if err := client.ClusterAddSlotsRange(t.Context(), first, last).Err(); err != nil {
			t.Fatal(err)
		}

		if i > 0 {
			host, port, _ := net.SplitHostPort(c.Nodes[0].Addr)
			bus := c.Nodes[0].args[3]

			if err := client.Do(t.Context(), "CLUSTER", "MEET", host, port, bus).Err(); err != nil {
				t.Fatal(err)
			}
		}

		client.Close()
	}

	for _, node := range c.Nodes {
		c.await(node)
	}

	return c
}

// await returns when the node finds the cluster whole.
func (c *Cluster) await(node *Server) {
	c.t.Helper()

	client := node.Client()
	defer client.Close()

	ticker := time.NewTicker(10 * time.Millisecond)
	defer ticker.Stop()

	for deadline := time.Now().Add(30 * time.Second); ; <-ticker.C {
		info, err := client.ClusterInfo(c.t.Context()).Result()
		if err == nil && strings.Contains(info, "cluster_state:ok") && strings.Contains(info, "cluster_known_nodes:3") {
			return
		}

		if time.Now().After(deadline) {
			c.t.Fatalf("the cluster does not come together: %v, %s", err, info)
		}
	}
}

// Addrs of the nodes.
func (c *Cluster) Addrs() []string {
	addrs := make([]string, 0, len(c.Nodes))
	for _, node := range c.Nodes {
		addrs = append(addrs, node.Addr)
	}

	return addrs
}

// Owner is the index of the node that has the key.
func (c *Cluster) Owner(key string) int {
	c.t.Helper()

	for i, node := range c.Nodes {
		client := node.Client()
		err := client.Exists(c.t.Context(), key).Err()
		client.Close()

		if err == nil {
			return i
		}
	}

	c.t.Fatalf("no node has %s", key)

	return 0
}

// Move moves the slot of key, with what is in it, to another node, one key after
// the other, as resharding does.
func (c *Cluster) Move(key string, to int) {
	c.t.Helper()

	ctx := context.Background()
	from := c.Owner(key)
	source, target := c.Nodes[from].Client(), c.Nodes[to].Client()

	defer source.Close()
	defer target.Close()

	slot, err := source.ClusterKeySlot(ctx, key).Result()
	ids := make([]string, 2)

	for i, client := range []*redis.Client{source, target} {
		if err == nil {
			ids[i], err = client.ClusterMyID(ctx).Result()
		}
	}

	host, port, _ := net.SplitHostPort(c.Nodes[to].Addr)
	do := func(client *redis.Client, args ...any) {
		if err == nil {
			err = client.Do(ctx, args...).Err()
		}
	}

	do(target, "CLUSTER", "SETSLOT", slot, "IMPORTING", ids[0])
	do(source, "CLUSTER", "SETSLOT", slot, "MIGRATING", ids[1])

	for err == nil {
		var keys []string

		if keys, err = source.ClusterGetKeysInSlot(ctx, int(slot), 10).Result(); len(keys) == 0 {
			break
		}

		for _, key := range keys {
			do(source, "MIGRATE", host, port, key, 0, 5000, "AUTH", Password)
		}
	}

	for _, node := range []*redis.Client{target, source} {
		do(node, "CLUSTER", "SETSLOT", slot, "NODE", ids[1])
	}

	if err != nil {
		c.t.Fatalf("slot %s: %v", strconv.FormatInt(slot, 10), err)
	}
}
