package shards

import "github.com/invigil/invigil/internal/wire"

const (
	// darkBelow is the mean luma of a picture that shows nothing: 16 is black in
	// video, and a covered camera adds its noise.
	darkBelow = 22.0
	// stillFrom is how long a picture must have been the same: nobody holds still
	// for three of the pod's looks, which come every 10 s or more rarely.
	stillFrom = 60_000
)

// Dark is whether a pod saw a picture that is next to black.
func Dark(stream wire.Stream) bool { return stream.Luminance != nil && *stream.Luminance < darkBelow }

// Still is whether a pod saw the same picture for long. An empty room looks alike.
func Still(stream wire.Stream) bool { return stream.StillMs != nil && *stream.StillMs >= stillFrom }
