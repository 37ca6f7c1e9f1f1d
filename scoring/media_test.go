package scoring_test

import (
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/invigil/invigil/internal/wire"
)

// until reads until the wanted media is told, and returns what was told of media
// and moves on the way, itself included.
func (s *socket) until(wanted wire.WantedMedia) []string {
	s.t.Helper()

	var told []string

	for {
		message, err := s.read()
		if err != nil {
			s.t.Fatalf("waiting for %s: %v; told %q", wanted, err, told)
		}

		switch message.Type {
		case "media":
			told = append(told, string(message.Media))

			if message.Media == wanted {
				return told
			}
		case "move":
			told = append(told, "move")
		}
	}
}

func (s *socket) expect(wanted wire.WantedMedia, told ...string) {
	s.t.Helper()

	if got := s.until(wanted); !slices.Equal(got, told) {
		s.t.Errorf("told %q, want %q", got, told)
	}
}

func TestMedia(t *testing.T) {
	b := begin(t)
	pod := b.pods[0]
	ada := b.join("s1", "d").Token

	s := b.dial(ada)
	s.await("welcome")

	pod.want("s2", wire.WantedHigh, 1) // nothing to s1
	pod.want("s1", wire.WantedTrickle, 1)
	s.expect(wire.WantedTrickle, "trickle")

	pod.want("s1", wire.WantedHigh, 1)
	s.expect(wire.WantedHigh, "high")

	// The page comes back, and is told what it might have missed.
	_ = s.CloseNow()

	pod.want("s1", wire.WantedLow, 1)
	b.until("page gone", func() bool { return b.state("s1").State == "Interrupted" })

	s = b.dial(ada)
	if first, err := s.read(); err != nil || first.Type != "welcome" {
		t.Fatalf("first message %+v, %v", first, err)
	}

	// The last word is what counts: the pod's may come after the page's.
	if told := s.until(wire.WantedLow); len(told) > 2 {
		t.Errorf("told %q, want \"low\" after at most one older word", told)
	}

	// A viewer who cannot make up their mind.
	began := time.Now()

	for range 50 {
		for _, wanted := range []wire.WantedMedia{wire.WantedHigh, wire.WantedLow} {
			pod.want("s1", wanted, 1)
			b.until("told", pod.told)
		}
	}

	pod.want("s1", wire.WantedTrickle, 1)

	told := s.until(wire.WantedTrickle)
	if most := int(time.Since(began)/(500*time.Millisecond)) + 1; len(told) > most {
		t.Errorf("%d messages, want at most %d: %q", len(told), most, told)
	}
}

// TestMove drains the pods of a student one after the other.
func TestMove(t *testing.T) {
	b := prepare(t, 2)
	b.redis.Restart()
	b.start()

	joined := b.join("s1", "d")
	first, second := b.ranked(joined)

	ada, blaise := b.dial(joined.Token), b.dial(b.join("s2", "d").Token)
	ada.await("welcome")
	blaise.await("welcome")

	publish := func(want *pod) {
		t.Helper()

		response, body := b.do("POST", base+"api/v1/whip", joined.Token, "offer", "Content-Type", sdp)
		if response.StatusCode != http.StatusCreated ||
			response.Header.Get("Location") != base+"api/v1/whip/"+want.name+"/m-s1" {
			t.Errorf("POST: %s %s %v", response.Status, body, response.Header)
		}
	}

	publish(first)
	first.want("s1", wire.WantedLow, 1)
	second.want("s2", wire.WantedLow, 1)
	ada.expect(wire.WantedLow, "low")
	blaise.expect(wire.WantedLow, "low")

	// Once, whatever else changes.
	first.drain(true)
	ada.await("move")
	first.want("s1", wire.WantedHigh, 1)
	ada.expect(wire.WantedHigh, "high")
	first.want("s1", wire.WantedLow, 1)
	ada.expect(wire.WantedLow, "low")

	// Again on another socket.
	_ = ada.CloseNow()

	ada = b.dial(joined.Token)
	ada.await("welcome")
	ada.await("move")

	// Nobody is sent there any more, and what publishes there is still theirs.
	if again := b.join("s1", "d"); again.Shard != second.name {
		t.Errorf("joined to %s, which is not %s", again.Shard, second.name)
	}

	publish(second)

	// Only what the new pod wants counts, from when it receives.
	second.want("s1", wire.WantedHigh, 2)
	ada.expect(wire.WantedHigh, "high")
	first.want("s1", wire.WantedTrickle, 3)
	second.want("s1", wire.WantedLow, 2)
	ada.expect(wire.WantedLow, "low")

	old := base + "api/v1/whip/" + first.name + "/m-s1"
	if response, body := b.do("DELETE", old, joined.Token, ""); response.StatusCode != http.StatusOK {
		t.Errorf("DELETE of the old one: %s %s", response.Status, body)
	}

	if s := b.state("s1"); s.Shard != second.name || !s.Streaming {
		t.Errorf("session %+v", s)
	}

	// The next pod drains. The student of the other pod was told nothing before.
	first.drain(false)
	b.until("first is back", first.told)
	second.want("s2", wire.WantedHigh, 1)
	blaise.expect(wire.WantedHigh, "high")
	second.drain(true)
	ada.await("move")
	blaise.await("move")
	publish(first)
}

// TestWhipToAPodThatDrains covers the moment before scoring knows.
func TestWhipToAPodThatDrains(t *testing.T) {
	b := prepare(t, 2)
	b.redis.Restart()
	b.start()

	joined := b.join("s1", "d")
	first, second := b.ranked(joined)
	first.refuse(http.StatusServiceUnavailable, wire.CodeDraining)

	response, body := b.do("POST", base+"api/v1/whip", joined.Token, "offer", "Content-Type", sdp)
	if response.StatusCode != http.StatusCreated ||
		response.Header.Get("Location") != base+"api/v1/whip/"+second.name+"/m-s1" {
		t.Errorf("%s %s %v", response.Status, body, response.Header)
	}

	for _, p := range b.pods {
		if got := p.requests(); len(got) != 1 {
			t.Errorf("%s was asked %q", p.name, got)
		}
	}

	// All drain, and scoring knows.
	first.drain(true)
	second.drain(true)
	b.until("told", func() bool { return first.told() && second.told() })

	response, body = b.do("POST", base+"api/v1/whip", joined.Token, "offer", "Content-Type", sdp)
	if response.StatusCode != http.StatusServiceUnavailable || code(body) != wire.CodeNoShardAvailable {
		t.Errorf("none left: %s %s", response.Status, body)
	}
}
