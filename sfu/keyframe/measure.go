package keyframe

import (
	"image"
	"time"
)

const (
	// thumbColumns and thumbRows are the cells that a picture is compared by.
	thumbColumns, thumbRows = 32, 18
	// stillTolerance is by how much a cell's mean luma, of 255, may differ
	// between pictures of something that does not move: a camera's noise averages
	// out in a cell and stays below.
	stillTolerance = 2.0
	// sharpWidth is about how wide the picture is scaled before its edges are
	// looked at: noise goes, and large cameras compare with small ones.
	sharpWidth = 160
)

// Sample is what one key frame shows.
type Sample struct {
	At time.Time
	// Luminance is the mean luma, 0 to 255.
	Luminance float64
	// Sharpness is the variance of the Laplacian of the scaled luma: a few for a
	// picture without edges, hundreds and more for one in focus.
	Sharpness float64
	// StillSince is the first of the samples in a row that look the same as this
	// one; At if the one before looks different, or there is none.
	StillSince time.Time

	thumb [thumbColumns * thumbRows]float64
}

// Still is for how long the picture has not changed, as far as samples tell.
func (s *Sample) Still() time.Duration { return s.At.Sub(s.StillSince) }

// Measure looks at a picture taken at a time, and compares it with the sample
// before, if there is one.
func Measure(picture *image.YCbCr, at time.Time, before *Sample) *Sample {
	width, height := picture.Rect.Dx(), picture.Rect.Dy()
	s := &Sample{At: at, StillSince: at}

	columns, rows := min(thumbColumns, width), min(thumbRows, height)
	copy(s.thumb[:], scale(picture, columns, rows))

	factor := max(1, width/sharpWidth)
	columns, rows = max(1, width/factor), max(1, height/factor)
	scaled := scale(picture, columns, rows)
	s.Luminance = mean(scaled)
	s.Sharpness = sharpness(scaled, columns, rows)

	if before != nil && s.looksLike(before) {
		s.StillSince = before.StillSince
	}

	return s
}

func (s *Sample) looksLike(other *Sample) bool {
	for i, cell := range s.thumb {
		if difference := cell - other.thumb[i]; difference > stillTolerance || difference < -stillTolerance {
			return false
		}
	}

	return true
}

// scale returns the mean luma of each of columns times rows parts.
func scale(picture *image.YCbCr, columns, rows int) []float64 {
	width, height := picture.Rect.Dx(), picture.Rect.Dy()
	cells := make([]float64, 0, columns*rows)

	for row := range rows {
		top, bottom := row*height/rows, (row+1)*height/rows

		for column := range columns {
			left, right := column*width/columns, (column+1)*width/columns
			sum := 0

			for y := top; y < bottom; y++ {
				begin := y * picture.YStride
				for _, luma := range picture.Y[begin+left : begin+right] {
					sum += int(luma)
				}
			}

			cells = append(cells, float64(sum)/float64((bottom-top)*(right-left)))
		}
	}

	return cells
}

func mean(values []float64) float64 {
	sum := 0.0
	for _, value := range values {
		sum += value
	}

	return sum / float64(len(values))
}

func sharpness(cells []float64, columns, rows int) float64 {
	if columns < 3 || rows < 3 {
		return 0
	}

	var sum, squares float64

	for y := 1; y < rows-1; y++ {
		for x := 1; x < columns-1; x++ {
			i := y*columns + x
			edge := cells[i-columns] + cells[i+columns] + cells[i-1] + cells[i+1] - 4*cells[i]
			sum += edge
			squares += edge * edge
		}
	}

	n := float64((columns - 2) * (rows - 2))

	return squares/n - (sum/n)*(sum/n)
}
