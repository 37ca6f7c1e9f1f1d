package frames

import (
	"math"
	"time"
)

// Due is whether a look at random moments falls into the time elapsed, where the
// intervals between looks are exponentially distributed with the given mean: then
// nobody can tell from the last look when the next one comes. draw is uniform in
// [0, 1). A mean of 0: never.
func Due(elapsed, mean time.Duration, draw float64) bool {
	return mean > 0 && draw < -math.Expm1(-elapsed.Seconds()/mean.Seconds())
}
