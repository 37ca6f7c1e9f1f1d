package sfu_test

import (
	"bytes"
	"errors"
	"net"
	"net/http"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/invigil/invigil/internal/whipclient"
	"github.com/invigil/invigil/internal/wire"
)

// TestWHIPClient publishes with somebody else's WHIP client: GStreamer's stack
// behind https://github.com/meetecho/simple-whip-client.
func TestWHIPClient(t *testing.T) {
	if testing.Short() {
		t.Skip("starts GStreamer")
	}

	for name, flags := range map[string][]string{
		"trickle":                     nil,
		"all candidates in the offer": {"--no-trickle"},
		// It sends it although the answer refuses it.
		"with audio": {"-A", "audiotestsrc is-live=true ! audioconvert ! opusenc ! rtpopuspay pt=100 ssrc=1" +
			" ! queue ! application/x-rtp,media=audio,encoding-name=OPUS,payload=100"},
	} {
		t.Run(name, func(t *testing.T) {
			p := startPod(t, func(o *podOptions) { o.listen, o.unready = ":0", true })
			p.announce(wire.Address{IP: hostAddress(t), Port: uint16(p.media.Port)})
			p.eventually("ready", 5*time.Second, func() bool { return p.status("/readyz") == http.StatusOK })

			var output bytes.Buffer

			command := whipclient.Command(t, p.base+"/whip", p.grant("ada"), append(flags, "-o")...)
			command.Stdout, command.Stderr = &output, &output
			must(t, command.Start())

			// Whatever happens, the child ends and is waited for.
			ended := make(chan struct{})

			go func() {
				defer close(ended)

				// How it ends is not what is tested.
				_ = command.Wait()
			}()

			defer func() {
				if t.Failed() {
					t.Logf("%s\n%v", output.Bytes(), p.logs.All())
				}
			}()
			defer func() {
				if err := command.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
					t.Error(err)
				}

				<-ended
			}()

			p.eventually("its media arrives", 20*time.Second, func() bool { return p.receiving("ada") })
			t.Logf("received %+v", *p.stream("ada"))

			must(t, whipclient.Stop(command.Process))
			p.eventually("it says goodbye", 10*time.Second, func() bool {
				return slices.Equal(p.reasons("ada"), []string{"Deleted"})
			})
		})
	}
}

// hostAddress returns an address of this machine that is not a loopback one:
// libnice binds its sockets to interfaces, none of which is the loopback. What is
// sent there does not leave the machine either.
func hostAddress(t *testing.T) string {
	t.Helper()

	addresses, err := net.InterfaceAddrs()
	must(t, err)

	for _, address := range addresses {
		if network, ok := address.(*net.IPNet); ok && network.IP.To4() != nil && network.IP.IsGlobalUnicast() {
			return network.IP.String()
		}
	}

	t.Fatal("whip-client needs an interface other than the loopback one, with an IPv4 address")

	return ""
}
