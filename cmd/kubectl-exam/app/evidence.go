package app

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/invigil/invigil/internal/wire"
)

const (
	// maxPicture bounds a picture that is downloaded.
	maxPicture = 16 << 20
	// maxEntries bounds what is asked for of one student: a report has no end where
	// an exam answers the same again and again.
	maxEntries = 1_000_000
	// pictureTries is how often a picture is asked for that the exam has no time for.
	pictureTries = 5
)

type evidenceOptions struct {
	*Options

	download string
	output   string
}

func newEvidenceCommand(options *Options) *cobra.Command {
	o := &evidenceOptions{Options: options}
	command := &cobra.Command{
		Use:   "evidence EXAM STUDENT",
		Short: "List what is on record of a student, and download it",
		Long: "List what is on record of a student: violations with their numbers, what the\n" +
			"server saw, what invigilators did, and the pictures. It is read as the running\n" +
			"exam has it; kubectl exam verify proves that it is whole and unchanged.",
		Example: "  kubectl exam evidence algebra ada\n" +
			"  kubectl exam evidence algebra ada --download ./ada",
		Args:              cobra.ExactArgs(2),
		ValidArgsFunction: options.completeExamThenStudent,
		RunE: func(command *cobra.Command, args []string) error {
			return o.run(command.Context(), args[0], args[1])
		},
	}

	command.Flags().StringVar(&o.download, "download", "",
		"Directory to write the record to, as record.json, and its pictures, each as SHA256.jpg; made if it is not there.")
	command.Flags().StringVarP(&o.output, "output", "o", "", "Output format. One of: ("+strings.Join(objectFormats, ", ")+").")
	registerFlagCompletion(command, "output", cobra.FixedCompletions(objectFormats, cobra.ShellCompDirectiveNoFileComp))

	if err := command.MarkFlagDirname("download"); err != nil {
		panic(err)
	}

	return command
}

func (o *evidenceOptions) run(ctx context.Context, exam, student string) error {
	if o.output != "" && !slices.Contains(objectFormats, o.output) {
		return fmt.Errorf("output format %q is none of %s", o.output, strings.Join(objectFormats, ", "))
	}

	key, err := o.key(exam)
	if err != nil {
		return err
	}

	return o.invigilate(ctx, key, func(ctx context.Context, i *invigilation) error {
		record, err := i.record(ctx, student)
		if err != nil {
			return err
		}

		if o.download != "" {
			if err := o.save(ctx, i, record); err != nil {
				return err
			}
		}

		if o.output != "" {
			return printObject(o.Options, o.output, record)
		}

		return o.write(record)
	})
}

// record reads all of a student's record.
func (i *invigilation) record(ctx context.Context, student string) (*wire.SessionRecord, error) {
	whole := &wire.SessionRecord{Entries: []wire.RecordEntry{}}

	for after := int64(0); ; {
		page := sessionPage(student, "record")
		page.RawQuery = url.Values{"after": {strconv.FormatInt(after, 10)}}.Encode()

		var part wire.SessionRecord
		if err := i.json(ctx, http.MethodGet, page, nil, &part); err != nil {
			return nil, err
		}

		whole.Session, whole.Waiting = part.Session, part.Waiting
		whole.Entries = append(whole.Entries, part.Entries...)

		if !part.More {
			return whole, nil
		}

		if len(part.Entries) == 0 || part.Entries[len(part.Entries)-1].Seq <= after || len(whole.Entries) > maxEntries {
			return nil, errors.New("the exam's record of the student does not end")
		}

		after = part.Entries[len(part.Entries)-1].Seq
	}
}

// hash is what a picture is named by: nothing else becomes a file's name.
var hash = regexp.MustCompile(`^[0-9a-f]{64}$`)

// save writes the record and its pictures. What is there already, as an earlier
// download left it, is kept.
func (o *evidenceOptions) save(ctx context.Context, i *invigilation, record *wire.SessionRecord) error {
	if err := os.MkdirAll(o.download, 0o700); err != nil {
		return err
	}

	data, err := json.MarshalIndent(record, "", "  ")
	if err != nil {
		return err
	}

	if err := os.WriteFile(filepath.Join(o.download, "record.json"), append(data, '\n'), 0o600); err != nil {
		return err
	}

	saved, expired := 0, 0

	for _, entry := range record.Entries {
		for _, picture := range entry.Pictures {
			if picture.Expired {
				expired++

				continue
			}

			if err := o.savePicture(ctx, i, picture.SHA256); err != nil {
				return err
			}

			saved++
		}
	}

	fmt.Fprintf(o.ErrOut, "%s and %s in %s; %d expired.\n",
		plural(len(record.Entries), "record"), plural(saved, "picture"), o.download, expired)

	return nil
}

func (o *evidenceOptions) savePicture(ctx context.Context, i *invigilation, sum string) error {
	if !hash.MatchString(sum) {
		return fmt.Errorf("a picture is named %q, which is no SHA-256", clean(sum))
	}

	path := filepath.Join(o.download, sum+".jpg")
	if data, err := os.ReadFile(path); err == nil && isHash(data, sum) {
		return nil
	}

	data, err := i.picture(ctx, sum)
	if err != nil {
		return fmt.Errorf("picture %s: %w", sum, err)
	}

	if !isHash(data, sum) {
		return fmt.Errorf("picture %s: the exam's answer has another SHA-256", sum)
	}

	return os.WriteFile(path, data, 0o600)
}

// picture asks again where the exam says when.
func (i *invigilation) picture(ctx context.Context, sum string) ([]byte, error) {
	for try := 1; ; try++ {
		data, err := i.call(ctx, http.MethodGet, &url.URL{Path: "pictures/" + sum}, nil, maxPicture)

		refused := (*refusal)(nil)
		if !errors.As(err, &refused) || refused.retryAfter == "" || try == pictureTries {
			return data, err
		}

		if err := pause(ctx); err != nil {
			return nil, err
		}
	}
}

func isHash(data []byte, sum string) bool {
	got := sha256.Sum256(data)

	return hex.EncodeToString(got[:]) == sum
}

func (o *evidenceOptions) write(record *wire.SessionRecord) error {
	if len(record.Entries) == 0 {
		fmt.Fprintf(o.ErrOut, "Nothing is on record of %s.\n", clean(record.Session.Student))

		return nil
	}

	t := &table{columns: []column{
		{title: "SEQ"}, {title: "TIME"}, {title: "KIND"}, {title: "WHAT", shrink: 1}, {title: "PICTURES"},
	}}
	for i := range record.Entries {
		entry := &record.Entries[i]

		pictures := none
		if len(entry.Pictures) > 0 {
			pictures = strconv.Itoa(len(entry.Pictures))
		}

		t.rows = append(t.rows, []string{
			strconv.FormatInt(entry.Seq, 10), time.UnixMilli(entry.At).In(o.Location).Format("2006-01-02 15:04:05"),
			entry.Kind, entryText(entry), pictures,
		})
	}

	if err := t.write(o.Out, terminalWidth(o.Out)); err != nil {
		return err
	}

	if record.Waiting {
		fmt.Fprintln(o.ErrOut, "More is still being written.")
	}

	return nil
}

// entryText says what an entry is about.
func entryText(entry *wire.RecordEntry) string {
	switch {
	case entry.Violation != nil:
		v := entry.Violation

		return fmt.Sprintf("%s %d, %s, %s: score %d, %s",
			v.Type, v.Number, v.Severity, time.Duration(v.LastedMs)*time.Millisecond, v.Score, v.Level)
	case entry.Observation != nil:
		return joined(": ", entry.Observation.Type, entry.Observation.Detail)
	case entry.Action != nil:
		a := entry.Action

		minutes := ""
		if a.Minutes > 0 {
			minutes = plural(a.Minutes, "minute")
		}

		return joined("; ", string(a.Kind), minutes, a.Text, a.Reason, "by "+a.By)
	case entry.State != nil:
		return joined("; ", entry.State.From+" -> "+entry.State.To, entry.State.Why)
	case entry.Check != nil:
		return joined(": ", entry.Check.Type, entry.Check.Result)
	default:
		return none
	}
}

// joined leaves out what is empty.
func joined(separator string, parts ...string) string {
	return strings.Join(slices.DeleteFunc(parts, func(part string) bool { return part == "" }), separator)
}
