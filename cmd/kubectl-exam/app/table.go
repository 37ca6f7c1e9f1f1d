package app

import (
	"fmt"
	"io"
	"os"
	"strings"
	"unicode"

	"golang.org/x/term"
	"golang.org/x/text/width"
)

// column of a table.
type column struct {
	title string
	// shrink says in which order columns give up width where a table does not
	// fit: 1 first, 0 never. Of the same order, the widest gives.
	shrink int
}

// table is written as kubectl writes its tables, cut to a width.
type table struct {
	columns []column
	rows    [][]string
}

const (
	defaultWidth = 80
	columnGap    = 2
	// minShrunk is the least that a shrunk column keeps.
	minShrunk = 6
)

// write writes the table, at most limit cells wide; 0 is without limit.
func (t *table) write(w io.Writer, limit int) error {
	widths := t.widths(limit)
	out := &strings.Builder{}

	titles := make([]string, len(t.columns))
	for i, c := range t.columns {
		titles[i] = c.title
	}

	for _, row := range append([][]string{titles}, t.rows...) {
		line := &strings.Builder{}
		for i, cell := range row {
			cell = cut(clean(cell), widths[i])
			line.WriteString(cell)
			line.WriteString(strings.Repeat(" ", widths[i]-cells(cell)+columnGap))
		}

		out.WriteString(strings.TrimRight(line.String(), " "))
		out.WriteByte('\n')
	}

	_, err := io.WriteString(w, out.String())

	return err
}

// widths fits the columns into limit as far as shrinking can.
func (t *table) widths(limit int) []int {
	widths := make([]int, len(t.columns))
	total := columnGap * (len(t.columns) - 1)

	for i, c := range t.columns {
		widths[i] = cells(c.title)
		for _, row := range t.rows {
			widths[i] = max(widths[i], cells(clean(row[i])))
		}

		total += widths[i]
	}

	if limit == 0 {
		return widths
	}

	for order := 1; order <= len(t.columns); order++ {
		for ; total > limit; total-- {
			widest := t.widest(widths, order)
			if widest < 0 {
				break
			}

			widths[widest]--
		}
	}

	return widths
}

// widest is the widest column of an order that can still shrink, or -1.
func (t *table) widest(widths []int, order int) int {
	widest := -1

	for i, c := range t.columns {
		canShrink := c.shrink == order && widths[i] > max(minShrunk, cells(c.title))
		if canShrink && (widest < 0 || widths[i] > widths[widest]) {
			widest = i
		}
	}

	return widest
}

// clean makes text from a cluster safe for a terminal: names come from rosters,
// and a control character in one could rewrite the screen.
func clean(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.Is(unicode.Cf, r) {
			return '\uFFFD'
		}

		return r
	}, text)
}

// cut shortens text to at most limit cells, with an ellipsis.
func cut(text string, limit int) string {
	if cells(text) <= limit {
		return text
	}

	var (
		out  strings.Builder
		used int
	)

	for _, r := range text {
		if used+runeCells(r) > limit-1 {
			break
		}

		out.WriteRune(r)
		used += runeCells(r)
	}

	return out.String() + "…"
}

// cells is the width of text on a terminal.
func cells(text string) int {
	n := 0
	for _, r := range text {
		n += runeCells(r)
	}

	return n
}

func runeCells(r rune) int {
	if unicode.In(r, unicode.Mn, unicode.Me) {
		return 0
	}

	switch width.LookupRune(r).Kind() {
	case width.EastAsianWide, width.EastAsianFullwidth:
		return 2
	default:
		return 1
	}
}

// wrap breaks text between words into lines of at most limit cells.
func wrap(text string, limit int) []string {
	var lines []string

	line := ""
	for word := range strings.FieldsSeq(clean(strings.Join(strings.Fields(text), " "))) {
		switch {
		case line == "":
			line = word
		case cells(line)+1+cells(word) <= limit:
			line += " " + word
		default:
			lines = append(lines, line)
			line = word
		}
	}

	return append(lines, line)
}

// terminalWidth is the width to write at: the terminal's, but at least 80.
func terminalWidth(out io.Writer) int {
	columns, _, _ := terminalSize(out)

	return max(columns, defaultWidth)
}

// terminalSize is how many cells and lines a terminal has.
func terminalSize(out io.Writer) (columns, rows int, ok bool) {
	file, ok := out.(*os.File)
	if !ok {
		return 0, 0, false
	}

	columns, rows, err := term.GetSize(int(file.Fd()))

	return columns, rows, err == nil
}

// field writes a labelled line of a page, its text wrapped under itself.
func field(w io.Writer, limit int, label, text string) {
	const indent = 13

	for i, line := range wrap(text, limit-indent) {
		if i > 0 {
			label = ""
		}

		fmt.Fprintln(w, strings.TrimRight(fmt.Sprintf("%-*s%s", indent, label, line), " "))
	}
}
