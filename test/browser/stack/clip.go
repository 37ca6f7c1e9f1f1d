package main

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/pion/webrtc/v4/pkg/media/ivfreader"
)

// pictureGroups reads an IVF file of VP8, and cuts it in front of each key frame.
func pictureGroups(path string) (groups [][][]byte, err error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("clip: %w", err)
	}
	defer file.Close()

	reader, _, err := ivfreader.NewWith(file)
	if err != nil {
		return nil, fmt.Errorf("clip: %w", err)
	}

	for {
		frame, _, err := reader.ParseNextFrame()

		switch {
		case errors.Is(err, io.EOF):
			return groups, nil
		case err != nil:
			return nil, fmt.Errorf("clip: %w", err)
		case len(frame) == 0:
			return nil, errors.New("clip: empty frame")
		}

		// RFC 6386, section 9.1: the first bit is 0 in key frames.
		if frame[0]&1 == 0 {
			groups = append(groups, nil)
		} else if len(groups) == 0 {
			return nil, errors.New("clip: does not begin with a key frame")
		}

		last := len(groups) - 1
		groups[last] = append(groups[last], frame)
	}
}
