package announce_test

import (
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/invigil/invigil/sfu/announce"
)

func TestApply(t *testing.T) {
	const before = `{"shards":[{"name":"finals-sfu-0","addresses":[{"ip":"192.0.2.1","port":1}]}]}`

	tests := map[string]struct {
		data        string
		want        []netip.AddrPort
		wantErr     bool
		wantChanges int
	}{
		"own entry among others": {
			data: `{"shards":[{"name":"finals-sfu-1","addresses":[{"ip":"192.0.2.9","port":9}]},
				{"name":"finals-sfu-0","addresses":[{"ip":"203.0.113.9","port":30123},{"ip":"2001:db8::9","port":30123}]}]}`,
			want:        addresses("203.0.113.9:30123", "[2001:db8::9]:30123"),
			wantChanges: 2,
		},
		"mapped, zoned and repeated addresses are made plain": {
			data: `{"shards":[{"name":"finals-sfu-0","addresses":[{"ip":"::ffff:203.0.113.9","port":7},
				{"ip":"203.0.113.9","port":7},
				{"ip":"fe80::1%eth0","port":7}]}]}`,
			want:        addresses("203.0.113.9:7", "[fe80::1]:7"),
			wantChanges: 2,
		},
		"unchanged":              {data: before, want: addresses("192.0.2.1:1"), wantChanges: 1},
		"not listed any more":    {data: `{"shards":[]}`, wantChanges: 2},
		"listed without address": {data: `{"shards":[{"name":"finals-sfu-0"}]}`, wantChanges: 2},
		"not JSON":               {data: `{`, want: addresses("192.0.2.1:1"), wantErr: true, wantChanges: 1},
		"a host name": {
			data:        `{"shards":[{"name":"finals-sfu-0","addresses":[{"ip":"lb.example","port":7}]}]}`,
			want:        addresses("192.0.2.1:1"),
			wantErr:     true,
			wantChanges: 1,
		},
		"no port": {
			data:        `{"shards":[{"name":"finals-sfu-0","addresses":[{"ip":"192.0.2.1"}]}]}`,
			want:        addresses("192.0.2.1:1"),
			wantErr:     true,
			wantChanges: 1,
		},
		"another's bad address": {
			data: `{"shards":[{"name":"x","addresses":[{"ip":"?"}]},
				{"name":"finals-sfu-0","addresses":[{"ip":"192.0.2.1","port":1}]}]}`,
			want:        addresses("192.0.2.1:1"),
			wantChanges: 1,
		},
		"a port out of its range": {
			data:        `{"shards":[{"name":"finals-sfu-0","addresses":[{"ip":"192.0.2.1","port":70000}]}]}`,
			want:        addresses("192.0.2.1:1"),
			wantErr:     true,
			wantChanges: 1,
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			changes := 0
			own := announce.NewAddresses("finals-sfu-0", func([]netip.AddrPort) { changes++ })

			if got := own.Current(); got != nil {
				t.Fatalf("announces %v before it knows any address", got)
			}

			if err := own.Apply([]byte(before)); err != nil {
				t.Fatal(err)
			}

			if err := own.Apply([]byte(tc.data)); (err != nil) != tc.wantErr {
				t.Errorf("Apply: %v, want error %t", err, tc.wantErr)
			}

			if diff := cmp.Diff(tc.want, own.Current(), cmpopts.EquateComparable(netip.AddrPort{})); diff != "" {
				t.Errorf("addresses (-want +got):\n%s", diff)
			}

			if changes != tc.wantChanges {
				t.Errorf("%d changes, want %d", changes, tc.wantChanges)
			}
		})
	}
}

// addresses parses a list of addresses.
func addresses(list ...string) []netip.AddrPort {
	parsed := make([]netip.AddrPort, 0, len(list))
	for _, a := range list {
		parsed = append(parsed, netip.MustParseAddrPort(a))
	}

	return parsed
}

func TestCandidatesAreUDPBeforeTCP(t *testing.T) {
	var got []string
	for _, c := range announce.Candidates(addresses("192.0.2.1:7", "[2001:db8::1]:8")) {
		got = append(got, string(c.Protocol)+" "+c.String())
	}

	want := []string{"udp 192.0.2.1:7", "udp [2001:db8::1]:8", "tcp 192.0.2.1:7", "tcp [2001:db8::1]:8"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
