package socket_test

import (
	"net/netip"
	"strconv"
	"testing"

	"github.com/invigil/invigil/sfu/socket"
)

func TestWhatCannotBeSentStopsNothing(t *testing.T) {
	in, out := listen(t, "127.0.0.1:0"), listen(t, "127.0.0.1:0")
	closeIfStuck(t, in)
	closeIfStuck(t, out)

	gone, err := socket.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}

	nobody := at(gone, "127.0.0.1")
	if err := gone.Close(); err != nil {
		t.Fatal(err)
	}

	good := at(in, "127.0.0.1")
	bad := []netip.AddrPort{
		{},
		netip.MustParseAddrPort("127.0.0.1:0"), // refused by the kernel
		netip.MustParseAddrPort("255.255.255.255:9"), // not allowed
		netip.MustParseAddrPort("[::1]:9"),           // another family
	}
	batch := out.NewBatch()

	for i, to := range bad {
		if err := out.Send(to, []byte("x")); err == nil {
			t.Errorf("no error for %s", to)
		}

		if err := out.Send(good, []byte(strconv.Itoa(i))); err != nil {
			t.Error(err)
		}

		batch.Add(to, copy(batch.Buffer(), "x"))
		batch.Add(good, copy(batch.Buffer(), strconv.Itoa(i)))
	}

	batch.Add(good, 0)
	batch.Add(good, -1)
	batch.Add(good, 1<<20)
	batch.Flush()

	for range 3 { // nobody is there, which ICMP says and no call may hear
		if err := out.Send(nobody, []byte("x")); err != nil {
			t.Error(err)
		}
	}

	for got := 0; got < 2*len(bad); {
		for _, d := range read(t, in, 0) {
			if want := strconv.Itoa(got % len(bad)); string(d.Data) != want {
				t.Fatalf("got %q, want %q", d.Data, want)
			}

			got++
		}
	}

	if err := in.Send(at(out, "127.0.0.1"), []byte("still there?")); err != nil {
		t.Fatal(err)
	}

	if got := read(t, out, 0); string(got[0].Data) != "still there?" {
		t.Errorf("got %q", got[0].Data)
	}

	if stats := out.Stats(); stats.Failed != uint64(2*len(bad)+2) || stats.Sent != uint64(2*len(bad)+3) || stats.Dropped != 0 {
		t.Errorf("stats %+v", stats)
	}
}
