package negotiate_test

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pion/sdp/v3"

	"github.com/invigil/invigil/sfu/negotiate"
)

func FuzzParsePublish(f *testing.F) { fuzz(f, false) }

func FuzzParseView(f *testing.F) { fuzz(f, true) }

func fuzz(f *testing.F, view bool) {
	paths, err := filepath.Glob("testdata/*.sdp")
	if err != nil || len(paths) == 0 {
		f.Fatal(paths, err)
	}

	for _, path := range paths {
		f.Add(testdata(f, strings.TrimSuffix(filepath.Base(path), ".sdp")))
	}

	f.Add(publishing(append(rids, "a=simulcast:send ~l,h;h recv m")...))
	f.Add(join(session, bundle, audio, transport, video, []string{"a=bundle-only"}, transport, vp8, rtx, sends))
	f.Add(viewing(3, rtx...))

	f.Fuzz(func(t *testing.T, raw string) {
		o, err := parse(raw, view)
		if err != nil {
			if o != nil || err.Error() == "" || !errors.Is(err, negotiate.ErrMalformed) && !errors.Is(err,
				negotiate.ErrUnsupported) {
				t.Fatalf("parse = %v, %v", o, err)
			}

			return
		}

		answer, err := o.Answer(localFor(o, view))
		must(t, err)

		fits(t, raw, answer)

		_, err = o.RestartFragment(local(0))
		must(t, err)
	})
}

// fits fails the test unless the answer has the offer's sections (RFC 3264,
// section 6), and lines that end in CRLF and have nothing odd in them.
func fits(t *testing.T, offer, answer string) {
	t.Helper()

	var asked, given sdp.SessionDescription

	must(t, asked.UnmarshalString(offer))
	must(t, given.UnmarshalString(answer))

	if len(asked.MediaDescriptions) != len(given.MediaDescriptions) {
		t.Fatalf("%d sections, answered with %d", len(asked.MediaDescriptions), len(given.MediaDescriptions))
	}

	for i, want := range asked.MediaDescriptions {
		wantMid, _ := want.Attribute("mid")
		got := given.MediaDescriptions[i]

		if mid, _ := got.Attribute("mid"); mid != wantMid || got.MediaName.Media != want.MediaName.Media {
			t.Errorf("section %d is %s %q, answered with %s %q", i, want.MediaName.Media, wantMid, got.MediaName.Media, mid)
		}
	}

	for line := range strings.Lines(answer) {
		text, ok := strings.CutSuffix(line, "\r\n")
		if !ok || strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r > '~' }) {
			t.Errorf("an odd line: %q", line)
		}
	}
}
