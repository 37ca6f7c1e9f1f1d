package app

import (
	"cmp"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"html/template"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/coder/websocket"
	"github.com/spf13/cobra"

	"github.com/invigil/invigil/internal/wire"
)

// maxSnapshot bounds the feed's first message: 5,000 students at 2 KiB each have a
// tenth of it.
const maxSnapshot = 128 << 20

var reportFormats = []string{"csv", "json", "html"}

type reportOptions struct {
	*Options

	output string
}

func newReportCommand(options *Options) *cobra.Command {
	o := &reportOptions{Options: options}
	command := &cobra.Command{
		Use:   "report EXAM",
		Short: "Print every student's score, violations and coverage, for the files",
		Long: "Print how the exam stands for every student, worst first: score, level,\n" +
			"violations and how many of them were dismissed, and how much of the exam the\n" +
			"camera was seen. It is read from the running exam, before its pods go.",
		Example:           "  kubectl exam report algebra > algebra.csv\n  kubectl exam report algebra -o html > algebra.html",
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: firstArg(options.completeExams),
		RunE:              func(command *cobra.Command, args []string) error { return o.run(command.Context(), args[0]) },
	}

	command.Flags().StringVarP(&o.output, "output", "o", "csv", "Output format. One of: ("+strings.Join(reportFormats, ", ")+").")
	registerFlagCompletion(command, "output", cobra.FixedCompletions(reportFormats, cobra.ShellCompDirectiveNoFileComp))

	return command
}

// report is an exam with its students, and its JSON.
type report struct {
	Exam     string          `json:"exam"`
	Title    string          `json:"title"`
	At       time.Time       `json:"at"`
	Students []reportStudent `json:"students"`
}

type reportStudent struct {
	ID         string         `json:"id"`
	Name       string         `json:"name"`
	State      string         `json:"state"`
	Score      int            `json:"score"`
	Level      string         `json:"level"`
	Violations map[string]int `json:"violations"`
	Dismissed  map[string]int `json:"dismissed"`
	// Observed and Missed are for how long the camera was seen, and was not, in
	// seconds, since the student was live first.
	Observed int64            `json:"observedSeconds"`
	Missed   map[string]int64 `json:"missedSecondsByCause"`
	// Coverage is the part of it that was seen, in per cent; absent: never live.
	Coverage *int `json:"coveragePercent,omitempty"`
}

func (o *reportOptions) run(ctx context.Context, name string) error {
	if !slices.Contains(reportFormats, o.output) {
		return fmt.Errorf("output format %q is none of %s", o.output, strings.Join(reportFormats, ", "))
	}

	key, err := o.key(name)
	if err != nil {
		return err
	}

	return o.invigilate(ctx, key, func(ctx context.Context, i *invigilation) error {
		snapshot, err := i.snapshot(ctx)
		if err != nil {
			return err
		}

		made := newReport(key.String(), snapshot)

		switch o.output {
		case "csv":
			return made.writeCSV(o.Out)
		case "html":
			return reportPage.Execute(o.Out, made)
		default:
			return printObject(o.Options, o.output, made)
		}
	})
}

// snapshot is how everybody in the exam does.
func (i *invigilation) snapshot(ctx context.Context) (*wire.FeedMessage, error) {
	ctx, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()

	feed, response, err := websocket.Dial(ctx, i.base.JoinPath("api", "v1", "feed").String(), &websocket.DialOptions{
		HTTPClient:   i.client,
		Subprotocols: []string{wire.FeedSubprotocol, wire.BearerSubprotocol + i.token},
	})
	if err != nil {
		return nil, fmt.Errorf("no answer of the exam: %w", err)
	}

	if response.Body != nil {
		defer response.Body.Close()
	}

	defer func() { _ = feed.CloseNow() }()

	feed.SetReadLimit(maxSnapshot)

	_, data, err := feed.Read(ctx)

	if closed := (websocket.CloseError{}); errors.As(err, &closed) {
		return nil, fmt.Errorf("the exam answers %d %s", closed.Code, clean(closed.Reason))
	} else if err != nil {
		return nil, fmt.Errorf("read the exam's answer: %w", err)
	}

	message := &wire.FeedMessage{}
	if err := json.Unmarshal(data, message); err != nil || message.Type != "snapshot" {
		return nil, errors.New("the exam's feed does not begin with a snapshot")
	}

	return message, nil
}

func newReport(exam string, snapshot *wire.FeedMessage) *report {
	made := &report{Exam: exam, At: time.UnixMilli(snapshot.At).UTC(), Students: []reportStudent{}}
	if snapshot.Exam != nil {
		made.Title = snapshot.Exam.Title
	}

	for i := range snapshot.Sessions {
		made.Students = append(made.Students, newReportStudent(&snapshot.Sessions[i]))
	}

	slices.SortFunc(made.Students, func(a, b reportStudent) int {
		return cmp.Or(cmp.Compare(b.Score, a.Score), cmp.Compare(a.ID, b.ID))
	})

	return made
}

func newReportStudent(session *wire.FeedSession) reportStudent {
	student := reportStudent{
		ID: session.Student, Name: session.Name, State: session.State, Score: session.Score, Level: session.Level,
		Violations: counts(session.Violations), Dismissed: counts(session.Dismissed), Missed: map[string]int64{},
	}

	if session.Coverage == nil {
		return student
	}

	all := session.Coverage.ObservedMs
	student.Observed = session.Coverage.ObservedMs / 1000

	for cause, ms := range session.Coverage.GapsMs {
		student.Missed[cause] = ms / 1000
		all += ms
	}

	if all > 0 {
		percent := int(100 * session.Coverage.ObservedMs / all)
		student.Coverage = &percent
	}

	return student
}

func counts(list []wire.ViolationCount) map[string]int {
	byType := map[string]int{}
	for _, v := range list {
		byType[v.Type] = v.Count
	}

	return byType
}

// list is a map in words, by its keys.
func list[T int | int64](counted map[string]T) string {
	parts := []string{}
	for _, key := range slices.Sorted(maps.Keys(counted)) {
		parts = append(parts, fmt.Sprintf("%s %d", key, counted[key]))
	}

	return strings.Join(parts, ", ")
}

// CoverageText is the coverage for people.
func (s reportStudent) CoverageText() string {
	if s.Coverage == nil {
		return ""
	}

	return strconv.Itoa(*s.Coverage)
}

// Cells are the student's line, as of reportTitles.
func (s reportStudent) Cells() []string {
	return []string{
		s.ID, s.Name, s.State, strconv.Itoa(s.Score), s.Level, list(s.Violations), list(s.Dismissed),
		s.CoverageText(), strconv.FormatInt(s.Observed, 10), list(s.Missed),
	}
}

var reportTitles = []string{
	"id", "name", "state", "score", "level", "violations", "dismissed", "coveragePercent", "observedSeconds", "missedSeconds",
}

func (r *report) writeCSV(w io.Writer) error {
	rows := [][]string{reportTitles}

	for _, student := range r.Students {
		cells := student.Cells()
		for i, cell := range cells {
			cells[i] = inert(cell)
		}

		rows = append(rows, cells)
	}

	return csv.NewWriter(w).WriteAll(rows)
}

// inert keeps a spreadsheet from taking a student's name for a formula.
func inert(cell string) string {
	if cell != "" && strings.ContainsRune("=+-@\t\r", rune(cell[0])) {
		return "'" + cell
	}

	return cell
}

// Titles of the columns.
func (*report) Titles() []string { return reportTitles }

// reportPage is one file, to be printed and kept.
var reportPage = template.Must(template.New("report").Parse(`<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>{{.Title}}</title>
<style>
body { font: 14px sans-serif; margin: 2em }
table { border-collapse: collapse }
th, td { border-bottom: 1px solid #ccc; padding: 4px 8px; text-align: left; vertical-align: top }
</style>
<h1>{{.Title}}</h1>
<p>{{.Exam}}, as of {{.At.Format "2006-01-02 15:04:05 MST"}}. A score says where to look, and is no verdict.</p>
<table>
<thead><tr>{{range .Titles}}<th scope="col">{{.}}</th>{{end}}</tr></thead>
<tbody>
{{range .Students}}<tr>{{range .Cells}}<td>{{.}}</td>{{end}}</tr>
{{end}}</tbody>
</table>
</html>
`))
