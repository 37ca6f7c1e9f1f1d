package client

import (
	"errors"
	"fmt"

	"github.com/pion/interceptor"
	"github.com/pion/interceptor/pkg/nack"
	"github.com/pion/interceptor/pkg/report"
	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"
)

// maxDatagram is more than anything that arrives.
const maxDatagram = 1500

// VP8 is the codec as browsers offer it.
func VP8() webrtc.RTPCodecParameters {
	return webrtc.RTPCodecParameters{
		RTPCodecCapability: webrtc.RTPCodecCapability{
			MimeType:  webrtc.MimeTypeVP8,
			ClockRate: 90000,
			RTCPFeedback: []webrtc.RTCPFeedback{
				{Type: webrtc.TypeRTCPFBGoogREMB},
				{Type: webrtc.TypeRTCPFBCCM, Parameter: "fir"},
				{Type: webrtc.TypeRTCPFBNACK},
				{Type: webrtc.TypeRTCPFBNACK, Parameter: "pli"},
			},
		},
		PayloadType: 96,
	}
}

// receiving sets up pion to receive VP8 as a browser does, and nothing more:
// losses are asked for again, and receiver reports and congestion feedback are
// sent where they are negotiated.
func receiving() ([]func(*webrtc.API), error) {
	engine := &webrtc.MediaEngine{}
	if err := errors.Join(
		engine.RegisterCodec(VP8(), webrtc.RTPCodecTypeVideo),
		engine.RegisterCodec(webrtc.RTPCodecParameters{
			RTPCodecCapability: webrtc.RTPCodecCapability{
				MimeType: webrtc.MimeTypeRTX, ClockRate: 90000, SDPFmtpLine: "apt=96",
			},
			PayloadType: 97,
		}, webrtc.RTPCodecTypeVideo),
	); err != nil {
		return nil, fmt.Errorf("register VP8: %w", err)
	}

	repeats, err := nack.NewGeneratorInterceptor()
	if err != nil {
		return nil, fmt.Errorf("set up NACK: %w", err)
	}

	reports, err := report.NewReceiverInterceptor()
	if err != nil {
		return nil, fmt.Errorf("set up receiver reports: %w", err)
	}

	interceptors := &interceptor.Registry{}
	interceptors.Add(repeats)
	interceptors.Add(reports)

	if err := errors.Join(
		webrtc.ConfigureTWCCSender(engine, interceptors),
		webrtc.ConfigureSimulcastExtensionHeaders(engine), // mid is one of them
	); err != nil {
		return nil, fmt.Errorf("set up pion: %w", err)
	}

	return []func(*webrtc.API){
		webrtc.WithMediaEngine(engine),
		webrtc.WithInterceptorRegistry(interceptors),
	}, nil
}

// NewViewerAPI returns what ViewerConfig's API may be, for programs with settings
// of their own.
func NewViewerAPI(settings webrtc.SettingEngine) (*webrtc.API, error) {
	options, err := receiving()
	if err != nil {
		return nil, err
	}

	return webrtc.NewAPI(append(options, webrtc.WithSettingEngine(settings))...), nil
}

// Receive calls onPacket for each packet of the track until it ends. The packet
// must not be kept.
func Receive(track *webrtc.TrackRemote, onPacket func(*rtp.Packet)) {
	var (
		packet   rtp.Packet
		datagram = make([]byte, maxDatagram)
	)

	for {
		n, _, err := track.Read(datagram)
		if err != nil {
			return
		}

		if packet.Unmarshal(datagram[:n]) == nil {
			onPacket(&packet)
		}
	}
}
