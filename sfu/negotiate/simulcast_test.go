package negotiate_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/invigil/invigil/sfu/negotiate"
)

func TestParsePublishSimulcast(t *testing.T) {
	tests := map[string]struct {
		lines []string
		want  []string
		// answer is a=simulcast of the answer, and its a=rid lines.
		answer []string
	}{
		"in the list's order": {
			lines:  append(rids, "a=simulcast:send l;h"),
			want:   []string{"l", "h"},
			answer: []string{"a=rid:l recv", "a=rid:h recv", "a=simulcast:recv l;h"},
		},
		"the first two": {
			lines: append(rids, "a=simulcast:send m;l;h"), want: []string{"m", "l"},
			answer: []string{"a=rid:m recv", "a=rid:l recv", "a=simulcast:recv m;l"},
		},
		"one": {
			lines: append(rids, "a=simulcast:send h"), want: []string{"h"},
			answer: []string{"a=rid:h recv", "a=simulcast:recv h"},
		},
		"paused ones stay paused, of alternatives the first": {
			lines: append(rids, "a=simulcast:send ~l,m;h,~l"), want: []string{"l", "h"},
			answer: []string{"a=rid:l recv", "a=rid:h recv", "a=simulcast:recv ~l;h"},
		},
		"both directions": {
			lines: append(rids, "a=simulcast:recv x send l;h"), want: []string{"l", "h"},
			answer: []string{"a=rid:l recv", "a=rid:h recv", "a=simulcast:recv l;h"},
		},
		"restrictions stay, payload types go": {
			lines: []string{
				rids[0], "a=rid:l send pt=96,97;max-width=320;max-br=100000", "a=rid:h send max-fps=30", "a=simulcast:send l;h",
			},
			want:   []string{"l", "h"},
			answer: []string{"a=rid:l recv max-width=320;max-br=100000", "a=rid:h recv max-fps=30", "a=simulcast:recv l;h"},
		},
		"streams that cannot be had": {
			lines: []string{
				rids[0], "a=rid:a send pt=97", "a=rid:b send depend=a", "a=rid:c send max-width=\x01", "a=rid:d recv", "a=rid:e",
				"a=rid:f/g send", "a=rid:" + strings.Repeat("g", 17) + " send", "a=rid:h send",
				"a=simulcast:send a;b;c;d;e;f/g;" + strings.Repeat("g", 17) + ";none;h;h",
			},
			want: []string{"h"}, answer: []string{"a=rid:h recv", "a=simulcast:recv h"},
		},
		"the ninth is not looked at": {
			lines: []string{
				rids[0], "a=rid:1 send", "a=rid:2 send", "a=rid:3 send", "a=rid:4 send", "a=rid:5 send", "a=rid:6 send",
				"a=rid:7 send", "a=rid:8 send", "a=rid:9 send", "a=simulcast:send 9;8",
			},
			want: []string{"8"}, answer: []string{"a=rid:8 recv", "a=simulcast:recv 8"},
		},
		"RIDs without simulcast":      {lines: rids},
		"simulcast without RIDs":      {lines: []string{rids[0], "a=simulcast:send l;h"}},
		"no header extension for it":  {lines: append(rids[1:], "a=simulcast:send l;h")},
		"only receiving":              {lines: append(rids, "a=simulcast:recv l;h")},
		"not the syntax of RFC 8853":  {lines: append(rids, "a=simulcast: send rid=l;h")},
		"a list that is missing":      {lines: append(rids, "a=simulcast:send")},
		"a list called send":          {lines: append(rids, "a=simulcast:recv send l")},
		"a list of nothing but marks": {lines: append(rids, "a=simulcast:send ;,;~;;")},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			o, err := negotiate.ParsePublish(publishing(tc.lines...))
			must(t, err)

			if diff := cmp.Diff(tc.want, o.Videos[0].RIDs, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("RIDs (-want +got):\n%s", diff)
			}

			answer, err := o.Answer(local(0))
			must(t, err)

			var got []string

			for line := range strings.Lines(answer) {
				if line = strings.TrimSpace(line); strings.HasPrefix(line, "a=rid") || strings.HasPrefix(line, "a=simulcast") {
					got = append(got, line)
				}
			}

			if diff := cmp.Diff(tc.answer, got, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("answer (-want +got):\n%s", diff)
			}
		})
	}
}
