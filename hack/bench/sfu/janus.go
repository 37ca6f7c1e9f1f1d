package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os/exec"
	"regexp"
	"strconv"

	"github.com/pion/webrtc/v4"
)

const janusName = "janus"

// janusServer is Janus with its VideoRoom, running; its configuration is all
// ours, and other plugins and transports are off.
type janusServer struct {
	*process

	connector *connector
	url       string
	// owner made the room.
	owner *janusClient
	feeds *janusFeeds
}

// Files of the configuration. session_timeout 0: sessions last as their sockets
// do, and nobody sends keep-alives.
const (
	janusConfig = `general: {
	configs_folder = %q
	debug_level = 2
	debug_colors = false
	session_timeout = 0
}
nat: {
	ice_enforce_list = %q
}
plugins: {
	disable = "libjanus_audiobridge.so,libjanus_duktape.so,libjanus_echotest.so,libjanus_lua.so,` +
		`libjanus_nosip.so,libjanus_recordplay.so,libjanus_sip.so,libjanus_streaming.so,` +
		`libjanus_textroom.so,libjanus_videocall.so,libjanus_voicemail.so"
}
transports: {
	disable = "libjanus_http.so,libjanus_mqtt.so,libjanus_nanomsg.so,libjanus_pfunix.so,libjanus_rabbitmq.so"
}
loggers: {
	disable = "libjanus_jsonlog.so"
}
`
	janusSocketConfig = `general: {
	json = "compact"
	ws = true
	ws_port = %d
	ws_ip = %q
	wss = false
}
admin: {
	admin_ws = false
}
`
)

// janus is the Janus that is installed.
func janus(ctx context.Context, binary string) (product, error) {
	// It says its version before it says that it does not know the question.
	output, _ := exec.CommandContext(ctx, binary, "--version").CombinedOutput()

	version := regexp.MustCompile(`\d+\.\d+\.\d+`).Find(output)
	if version == nil {
		return product{}, fmt.Errorf("%s does not say its version: %s", binary, firstLine(output))
	}

	return product{
		name:    janusName,
		version: string(version),
		ip:      bridgeIP,
		start: func(ctx context.Context, c *connector) (server, error) {
			return startJanus(ctx, c, binary)
		},
	}, nil
}

func startJanus(ctx context.Context, c *connector, binary string) (*janusServer, error) {
	port, err := freePort(ctx, 0)
	if err != nil {
		return nil, err
	}

	run, err := newProcess(janusName)
	if err != nil {
		return nil, err
	}

	j := &janusServer{process: run, connector: c, url: "ws://" + loopback(port), feeds: &janusFeeds{numbers: map[string]uint64{}}}

	err = j.write(map[string]string{
		"janus.jcfg":                      fmt.Sprintf(janusConfig, j.dir, bridge),
		"janus.transport.websockets.jcfg": fmt.Sprintf(janusSocketConfig, port, loopbackIP),
		"janus.plugin.videoroom.jcfg":     "",
	})
	if err == nil {
		err = j.start(ctx, accepts(port), binary, "--configs-folder="+j.dir)
	}

	if err == nil {
		err = j.makeRoom(ctx)
	}

	if err != nil {
		return nil, errors.Join(err, j.stop(true))
	}

	return j, nil
}

// accepts is ready when somebody accepts connections on the port.
func accepts(port uint16) func(context.Context) error {
	return func(ctx context.Context) error {
		var dialer net.Dialer

		connection, err := dialer.DialContext(ctx, "tcp", net.JoinHostPort(loopbackIP, strconv.Itoa(int(port))))
		if err != nil {
			return fmt.Errorf("dial: %w", err)
		}

		return connection.Close() //nolint:wrapcheck // nothing was sent
	}
}

// makeRoom makes a room for everybody, in which nothing is limited.
func (j *janusServer) makeRoom(ctx context.Context) (err error) {
	if j.owner, err = dialJanus(ctx, j.url); err != nil {
		return err
	}

	_, err = j.owner.ask(ctx, janusBody{
		"request": "create", "room": janusRoom, "publishers": 1000, "bitrate": 0, "fir_freq": 0,
		"videocodec": "vp8", "notify_joining": false,
	}, nil, false)

	return err
}

// stop ends the students' sockets as well.
func (j *janusServer) stop(withLog bool) error {
	if j.owner != nil {
		j.owner.close()
	}

	j.feeds.close()

	return j.process.stop(withLog)
}

// count: Janus tells how many packets it has received of one student at a time
// only, and in its own admin API.
func (*janusServer) count(context.Context) (packets uint64, ok bool, err error) { return 0, false, nil }

// check: students are connected when their connections are, and what they send
// is counted where it is viewed.
func (*janusServer) check(context.Context, scenario) error { return nil }

func (*janusServer) profile(context.Context, options) error {
	return errors.New("only our own SFU can be profiled")
}

func (j *janusServer) publish(ctx context.Context, id string, peer *webrtc.PeerConnection) error {
	c, err := dialJanus(ctx, j.url)
	if err != nil {
		return err
	}

	feed, err := c.publish(ctx, id, peer)
	if err != nil {
		c.close()

		return err
	}

	j.feeds.add(id, feed, c)

	return nil
}
