package hostnet

import (
	"errors"
	"net"
	"strings"
	"testing"

	"github.com/invigil/invigil/hack/localcluster/internal/fault"
)

func TestListenerInode(t *testing.T) {
	table := `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:305B 0100007F:BEEF 01 00000000:00000000 00:00000000 00000000     0        0 111 1 0 100 0 0 10 0
   1: 0100007F:305B 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 222 1 0 100 0 0 10 0
`
	if got := listenerInode(table, 0x305B); got != "222" {
		t.Errorf("got %q", got)
	}
	if got := listenerInode(table, 0x305C); got != "" {
		t.Errorf("port nobody listens on: got %q", got)
	}
}

func TestTakenPortNamesItsHolder(t *testing.T) {
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := listener.Addr().(*net.TCPAddr).Port
	err = CheckPortFree(t.Context(), port)
	if !errors.Is(err, &fault.Error{Code: fault.PortTaken}) || !strings.Contains(err.Error(), "hostnet.test (pid ") {
		t.Errorf("got %v", err)
	}
	_ = listener.Close()
	if err := CheckPortFree(t.Context(), port); err != nil {
		t.Errorf("after it was freed: %v", err)
	}
}

func TestGuardIsBothWays(t *testing.T) {
	rules := guard()
	for _, want := range []string{
		`iifname { "invigil0", "invigil-nodes" } oifname != { "invigil0", "invigil-nodes" } counter reject`,
		`iifname != { "invigil0", "invigil-nodes" } oifname { "invigil0", "invigil-nodes" } counter drop`,
		`iifname != { "lo", "invigil0", "invigil-nodes" } tcp dport { 16443, 12250 } counter drop`,
	} {
		if !strings.Contains(rules, want) {
			t.Errorf("no rule %s in %s", want, rules)
		}
	}
}
