package view

import (
	"encoding/json"
	"net/netip"
	"os"
	"slices"
	"testing"
	"time"

	"go.uber.org/zap"

	"github.com/invigil/invigil/internal/wire"
	"github.com/invigil/invigil/sfu/announce"
	"github.com/invigil/invigil/sfu/media"
	"github.com/invigil/invigil/sfu/negotiate"
)

// offerFile is an offer with 25 slots.
const offerFile = "../negotiate/testdata/chromium-view-25.sdp"

// newTable returns a table with an engine of its own.
func newTable(t testing.TB) *Table {
	t.Helper()

	engine, err := media.Listen("127.0.0.1:0", media.DefaultOptions(), zap.NewNop())
	if err != nil {
		t.Fatal(err)
	}

	timing := Timing{Offer: time.Minute, Connect: time.Hour, Silence: time.Hour}
	table := NewTable(engine, Options{Limit: 1, MaxSlots: 25, Timing: timing}, zap.NewNop())

	t.Cleanup(func() {
		table.Shutdown()

		if err := engine.Close(); err != nil {
			t.Error(err)
		}
	})

	return table
}

// newSocket returns a socket whose viewer has 25 slots, without a connection.
func newSocket(t testing.TB) *socket {
	t.Helper()

	table := newTable(t)

	sdp, err := os.ReadFile(offerFile)
	if err != nil {
		t.Fatal(err)
	}

	offer, err := negotiate.ParseView(string(sdp), 25)
	if err != nil {
		t.Fatal(err)
	}

	accepted, err := table.View("vera", offer,
		announce.Candidates([]netip.AddrPort{netip.MustParseAddrPort("127.0.0.1:7000")}))
	if err != nil {
		t.Fatal(err)
	}

	return &socket{handler: &Handler{Table: table}, accepted: accepted}
}

// FuzzViewCommand: whatever a viewer says, it is refused with a reason and then
// changes nothing, or it changes the one slot that it names.
func FuzzViewCommand(f *testing.F) {
	for _, seed := range []string{
		`{"type":"assign","slot":3,"student":"s1"}`,
		`{"type":"assign","slot":24,"student":"s1","layer":"high"}`,
		`{"type":"assign","slot":25,"student":"s1"}`,
		`{"type":"assign","slot":-1,"student":"s1"}`,
		`{"type":"layer","slot":3,"layer":"high"}`,
		`{"type":"layer","slot":3,"layer":"middle"}`,
		`{"type":"pause","slot":3}`,
		`{"type":"resume","slot":3}`,
		`{"type":"release","slot":3}`,
		`{"type":"offer","sdp":"v=0"}`,
		`{"type":"dance"}`,
		`{"slot":1e9}`, `{"slot":1e300}`, `{"slot":"3"}`, `{"type":3}`,
		"null", "[]", "{", "", "\x00", `"\ud800"`,
		`{"type":"assign","slot":3,"student":"\u0000"}`,
	} {
		f.Add([]byte(seed))
	}

	s := newSocket(f)
	codes := []wire.ErrorCode{wire.CodeBadRequest, wire.CodeUnknownMessage, wire.CodeBadSlot}

	f.Fuzz(func(t *testing.T, data []byte) {
		unreadable := s.unreadable
		refused := s.command(data)
		changes := s.accepted.Viewer.Changes()

		if refused == nil {
			if len(changes) != 1 || changes[0].Slot == nil || s.unreadable != unreadable {
				t.Fatalf("changes = %+v", changes)
			}

			if _, err := json.Marshal(changes[0]); err != nil {
				t.Fatal(err)
			}

			return
		}

		if len(changes) > 0 {
			t.Fatalf("refused with %+v, and changed %+v", refused, changes)
		}

		if refused.Type != "error" || !slices.Contains(codes, refused.Error.Code) {
			t.Fatalf("refused = %+v", refused)
		}

		counted := s.unreadable == unreadable+1
		if counted != (refused.Error.Code == wire.CodeBadRequest && refused.Slot == nil) {
			t.Fatalf("refused = %+v, and unreadable messages went from %d to %d", refused, unreadable, s.unreadable)
		}
	})
}

// TestEnded: after its end a viewer's commands change nothing, and leave nothing
// behind.
func TestEnded(t *testing.T) {
	t.Parallel()

	s := newSocket(t)
	viewer := s.accepted.Viewer

	if err := viewer.Assign(0, "ada", wire.LayerLow); err != nil {
		t.Fatal(err)
	}

	if got := viewer.Changes(); len(got) != 1 || got[0].State != wire.SlotPending {
		t.Errorf("changes = %+v", got)
	}

	s.handler.Table.end(s.accepted.viewer, SocketClosed)
	<-s.accepted.viewer.done
	viewer.Changes()

	for _, message := range []string{
		`{"type":"assign","slot":1,"student":"ada"}`, `{"type":"resume","slot":0}`, `{"type":"layer","slot":0,"layer":"high"}`,
	} {
		s.command([]byte(message))
	}

	for _, change := range viewer.Changes() {
		if change.State != wire.SlotFree {
			t.Errorf("changed to %+v", change)
		}
	}
}
