package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	crand "crypto/rand"
	"errors"
	"fmt"
	"net"

	"github.com/pion/dtls/v3"
	"github.com/pion/ice/v4"
	"github.com/pion/interceptor"
	"github.com/pion/logging"
	"github.com/pion/webrtc/v4"

	"github.com/invigil/invigil/hack/lab/client"
)

// connector makes the connections of students and viewers. Each has a socket of
// its own: an SFU on one port knows its clients by their addresses.
type connector struct {
	publishing, viewing *webrtc.API
	// configuration has the one certificate of all clients: making keys is not what
	// is measured.
	configuration webrtc.Configuration
}

func newConnector(ip string) (*connector, error) {
	settings, err := newSettings(ip)
	if err != nil {
		return nil, err
	}

	key, err := ecdsa.GenerateKey(elliptic.P256(), crand.Reader)
	if err != nil {
		return nil, fmt.Errorf("generate key: %w", err)
	}

	certificate, err := webrtc.GenerateCertificate(key)
	if err != nil {
		return nil, fmt.Errorf("generate certificate: %w", err)
	}

	publishing, err := newPublishingAPI(settings)
	if err != nil {
		return nil, err
	}

	viewing, err := client.NewViewerAPI(settings)
	if err != nil {
		return nil, err
	}

	return &connector{
		publishing: publishing,
		viewing:    viewing,
		configuration: webrtc.Configuration{
			Certificates: []webrtc.Certificate{*certificate},
			BundlePolicy: webrtc.BundlePolicyMaxBundle,
		},
	}, nil
}

// newSettings are AES-128-GCM, and one address only.
func newSettings(address string) (webrtc.SettingEngine, error) {
	ip := net.ParseIP(address)
	if ip == nil {
		return webrtc.SettingEngine{}, fmt.Errorf("%q is no IP address", address)
	}

	loggers := logging.NewDefaultLoggerFactory()
	loggers.DefaultLogLevel = logging.LogLevelDisabled

	sockets, err := newBufferedNet()
	if err != nil {
		return webrtc.SettingEngine{}, err
	}

	settings := webrtc.SettingEngine{LoggerFactory: loggers}
	settings.SetNet(sockets)
	settings.SetIncludeLoopbackCandidate(true)
	settings.SetIPFilter(func(other net.IP) bool { return other.Equal(ip) })
	settings.SetNetworkTypes([]webrtc.NetworkType{webrtc.NetworkTypeUDP4})
	settings.SetICEMulticastDNSMode(ice.MulticastDNSModeDisabled)
	settings.SetSRTPProtectionProfiles(dtls.SRTP_AEAD_AES_128_GCM)

	return settings, nil
}

// newPublishingAPI sets up pion as a publishing browser is: transport-wide
// congestion control, NACKs answered, sender reports.
func newPublishingAPI(settings webrtc.SettingEngine) (*webrtc.API, error) {
	media := &webrtc.MediaEngine{}
	if err := media.RegisterCodec(client.VP8(), webrtc.RTPCodecTypeVideo); err != nil {
		return nil, fmt.Errorf("register VP8: %w", err)
	}

	interceptors := &interceptor.Registry{}
	if err := errors.Join(
		webrtc.ConfigureRTCPReports(interceptors),
		webrtc.ConfigureNack(media, interceptors),
		webrtc.ConfigureTWCCHeaderExtensionSender(media, interceptors),
		webrtc.ConfigureSimulcastExtensionHeaders(media), // mid is one of them
	); err != nil {
		return nil, fmt.Errorf("set up pion: %w", err)
	}

	return webrtc.NewAPI(
		webrtc.WithSettingEngine(settings),
		webrtc.WithMediaEngine(media),
		webrtc.WithInterceptorRegistry(interceptors),
	), nil
}
