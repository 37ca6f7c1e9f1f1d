package app

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"net/url"
	"strings"

	"github.com/spf13/cobra"
)

// linkPrinters write links in the formats of --output.
var linkPrinters = map[string]func(io.Writer, []link) error{
	"csv":   writeLinksCSV,
	"table": writeLinksTable,
	"json":  writeLinksJSON,
}

var linkFormats = []string{"csv", "table", "json"}

type linksOptions struct {
	*Options

	student string
	baseURL string
	output  string
}

func newLinksCommand(options *Options) *cobra.Command {
	o := &linksOptions{Options: options}
	command := &cobra.Command{
		Use:   "links EXAM",
		Short: "Print the students' links",
		Long: "Print the students' links. Whoever has a link can sit the exam in that\n" +
			"student's place: send each to its student only.",
		Example: "  kubectl exam links algebra > links.csv\n" +
			"  kubectl exam links algebra --student ada -o table\n" +
			"  kubectl exam links algebra --base-url https://exams.example.org",
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: firstArg(options.completeExams),
		RunE:              func(command *cobra.Command, args []string) error { return o.run(command.Context(), args[0]) },
	}

	command.Flags().StringVar(&o.student, "student", "", "Print the link of the student with this id only.")
	command.Flags().StringVar(&o.baseURL, "base-url", "",
		"Scheme and host to put into the links, for example https://exams.example.org.")
	command.Flags().StringVarP(&o.output, "output", "o", "csv", "Output format. One of: ("+strings.Join(linkFormats, ", ")+").")
	registerFlagCompletion(command, "output", cobra.FixedCompletions(linkFormats, cobra.ShellCompDirectiveNoFileComp))
	registerFlagCompletion(command, "student", options.completeStudents)

	return command
}

func (o *linksOptions) run(ctx context.Context, name string) error {
	printer, ok := linkPrinters[o.output]
	if !ok {
		return fmt.Errorf("output format %q is none of %s", o.output, strings.Join(linkFormats, ", "))
	}

	base, err := parseBaseURL(o.baseURL)
	if err != nil {
		return err
	}

	key, err := o.key(name)
	if err != nil {
		return err
	}

	c, err := o.cluster()
	if err != nil {
		return err
	}

	if _, err := c.exam(ctx, key); err != nil {
		return err
	}

	var links []link

	if o.student != "" {
		one, err := c.student(ctx, key, o.student)
		if err != nil {
			return err
		}

		links = []link{one}
	} else if links, err = c.links(ctx, key); err != nil {
		return err
	} else if len(links) == 0 {
		return noLinks(key)
	}

	for i := range links {
		if links[i].URL, err = rebase(links[i].URL, base); err != nil {
			return fmt.Errorf("link of student %q: %w", links[i].ID, err)
		}
	}

	return printer(o.Out, links)
}

// parseBaseURL reads --base-url; nil where it is empty.
func parseBaseURL(text string) (*url.URL, error) {
	if text == "" {
		return nil, nil //nolint:nilnil // absent is an answer.
	}

	base, err := url.Parse(text)

	switch {
	case err != nil:
		return nil, fmt.Errorf("--base-url: %w", err)
	case (base.Scheme != "https" && base.Scheme != "http") || base.Host == "":
		return nil, fmt.Errorf("--base-url %q: want a scheme and a host, for example https://exams.example.org", text)
	case strings.Trim(base.Path, "/") != "" || base.RawQuery != "" || base.Fragment != "":
		return nil, fmt.Errorf("--base-url %q: only scheme and host can be replaced, the path is the exam's", text)
	default:
		return base, nil
	}
}

// rebase puts base's scheme and host in front of a link; nil leaves it as it is.
func rebase(address string, base *url.URL) (string, error) {
	if base == nil {
		return address, nil
	}

	parsed, err := url.Parse(address)
	if err != nil {
		return "", err
	}

	parsed.Scheme, parsed.Host, parsed.User = base.Scheme, base.Host, nil

	return parsed.String(), nil
}

func writeLinksCSV(w io.Writer, links []link) error {
	writer := csv.NewWriter(w)

	rows := [][]string{{"id", "name", "url"}}
	for _, l := range links {
		rows = append(rows, []string{l.ID, l.Name, l.URL})
	}

	return writer.WriteAll(rows)
}

// writeLinksTable never cuts: half a link is none.
func writeLinksTable(w io.Writer, links []link) error {
	t := &table{columns: []column{{title: "STUDENT"}, {title: "NAME"}, {title: "URL"}}}
	for _, l := range links {
		t.rows = append(t.rows, []string{l.ID, l.Name, l.URL})
	}

	return t.write(w, 0)
}

func writeLinksJSON(w io.Writer, links []link) error {
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false)

	return encoder.Encode(links)
}
