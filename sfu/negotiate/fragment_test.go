package negotiate_test

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/invigil/invigil/sfu/negotiate"
)

func TestParseFragment(t *testing.T) {
	const pwd = "0123456789012345678901"

	tests := map[string]struct {
		raw     string
		want    negotiate.Fragment
		wantErr error
	}{
		"candidates": {
			raw: lines("a=ice-ufrag:abcd", "a=ice-pwd:"+pwd, "m=video 9 RTP/AVP 0", "a=mid:v",
				"a=candidate:1 1 udp 1 192.0.2.1 1 typ host", "a=candidate:2 1 udp 1 192.0.2.2 1 typ host"),
			want: negotiate.Fragment{ICE: negotiate.ICE{Ufrag: "abcd", Pwd: pwd}, Candidates: 2},
		},
		"credentials in the section": {
			raw:  lines("a=group:BUNDLE v", "m=video 9 RTP/AVP 0", "a=mid:v", "a=ice-ufrag:abcd", "a=ice-pwd:"+pwd),
			want: negotiate.Fragment{ICE: negotiate.ICE{Ufrag: "abcd", Pwd: pwd}},
		},
		"end of candidates": {raw: lines("a=end-of-candidates")},
		"empty":             {},
		"bare newlines":     {raw: "a=mid:0\na=ice-ufrag:x\n", want: negotiate.Fragment{ICE: negotiate.ICE{Ufrag: "x"}}},
		"garbage":           {raw: "hello", wantErr: negotiate.ErrMalformed},
		"a short password":  {raw: lines("a=ice-ufrag:abcd", "a=ice-pwd:x"), wantErr: negotiate.ErrMalformed},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := negotiate.ParseFragment(tc.raw)
			if !errors.Is(err, tc.wantErr) || got != tc.want {
				t.Errorf("ParseFragment = %+v, %v, want %+v, %v", got, err, tc.want, tc.wantErr)
			}
		})
	}
}

func TestRestartFragment(t *testing.T) {
	tests := map[string]struct {
		raw  string
		want string
	}{
		"bundled, with audio": {
			raw: join(session, bundle, []string{"a=ice-options:trickle", "a=extmap-allow-mixed"}, audio, transport,
				video, transport, vp8, rtx, sends),
			want: join([]string{
				"a=ice-lite", "a=ice-options:trickle", "a=group:BUNDLE a v", "m=audio 9 UDP/TLS/RTP/SAVPF 111", "a=mid:a",
			}, ours[:2], candidates),
		},
		"alone": {
			raw: join(session, video, transport, vp8, rtx, sends),
			want: join([]string{"a=ice-lite", "m=video 9 UDP/TLS/RTP/SAVPF 96 97", "a=mid:v"}, ours[:2],
				candidates),
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			o, err := negotiate.ParsePublish(tc.raw)
			must(t, err)

			got, err := o.RestartFragment(local(0))
			must(t, err)

			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("fragment (-want +got):\n%s", diff)
			}

			fragment, err := negotiate.ParseFragment(got)
			must(t, err)

			if fragment.ICE != local(0).ICE || fragment.Candidates != 2 {
				t.Errorf("it reads as %+v", fragment)
			}

			if _, err := o.RestartFragment(negotiate.Local{}); !errors.Is(err, negotiate.ErrLocal) {
				t.Errorf("without credentials: %v", err)
			}
		})
	}
}
