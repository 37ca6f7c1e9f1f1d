package client

import (
	"fmt"

	"github.com/pion/rtp"
	"github.com/pion/sdp/v3"
	"github.com/pion/webrtc/v4"
)

// layer is a track whose packets say which section they belong to, and which
// layer, if there are several. pion leaves that to its users.
type layer struct {
	*webrtc.TrackLocalStaticSample

	transceiver *webrtc.RTPTransceiver
}

// Bind is webrtc.TrackLocal's.
func (l *layer) Bind(ctx webrtc.TrackLocalContext) (webrtc.RTPCodecParameters, error) {
	names := map[uint8]string{}

	for _, extension := range ctx.HeaderExtensions() {
		switch extension.URI {
		case sdp.SDESMidURI:
			names[uint8(extension.ID)] = l.transceiver.Mid()
		case sdp.SDESRTPStreamIDURI:
			if l.RID() != "" {
				names[uint8(extension.ID)] = l.RID()
			}
		}
	}

	codec, err := l.TrackLocalStaticSample.Bind(layerContext{ctx, &layerWriter{ctx.WriteStream(), names}})
	if err != nil {
		return codec, fmt.Errorf("layer %s: %w", l.RID(), err)
	}

	return codec, nil
}

type layerContext struct {
	webrtc.TrackLocalContext

	writer *layerWriter
}

// WriteStream is webrtc.TrackLocalContext's.
func (c layerContext) WriteStream() webrtc.TrackLocalWriter { return c.writer }

type layerWriter struct {
	webrtc.TrackLocalWriter

	// names by header extension.
	names map[uint8]string
}

// WriteRTP is webrtc.TrackLocalWriter's.
func (w *layerWriter) WriteRTP(header *rtp.Header, payload []byte) (int, error) {
	for id, name := range w.names {
		if err := header.SetExtension(id, []byte(name)); err != nil {
			return 0, fmt.Errorf("name layer: %w", err)
		}
	}

	return w.TrackLocalWriter.WriteRTP(header, payload) //nolint:wrapcheck // pion's own path
}
