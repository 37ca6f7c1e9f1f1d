// Command stack runs one exam's scoring, SFU and Redis on loopback ports for
// the browser tests. It prints one JSON line with the addresses and links, then
// takes one command per line on its standard input, answering each with a line,
// and ends everything it started when that closes or on SIGTERM.
//
//	stop PART    asks a part (redis, sfu, scoring) to end
//	kill PART    ends it at once
//	start PART   starts it again on its old ports
//	exam JSON    changes fields of exam.json
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
)

func main() {
	var opts options

	flag.StringVar(&opts.bin, "bin", "bin", "folder of the scoring and sfu binaries")
	flag.StringVar(&opts.redis, "redis-server", "redis-server", "the Redis binary")
	flag.StringVar(&opts.dir, "dir", "", "folder for files and logs; it must exist")
	flag.StringVar(&opts.contentURL, "content-url", "", "the exam's quiz")
	flag.DurationVar(&opts.opensIn, "opens-in", 0, "when students may join, from now; 0: at once")
	flag.DurationVar(&opts.endsIn, "ends-in", 0, "when the exam ends, from now; 0: never")
	flag.Parse()

	ctx, cancel := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer cancel()

	if err := run(ctx, opts, os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "stack:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, opts options, in io.Reader, out io.Writer) (err error) {
	exam, err := newExam(ctx, opts)
	if err != nil {
		return err
	}

	parts := exam.parts()

	defer func() {
		// Scoring first: it is the one that would complain about the others.
		for i := len(parts) - 1; i >= 0; i-- {
			err = errors.Join(err, parts[i].stop(syscall.SIGTERM))
		}
	}()

	for _, part := range parts {
		if err := part.start(ctx); err != nil {
			return err
		}
	}

	answers := json.NewEncoder(out)
	if err := answers.Encode(exam.info); err != nil {
		return fmt.Errorf("print addresses: %w", err)
	}

	for line := range lines(ctx, in) {
		answer := struct {
			Error string `json:"error,omitempty"`
		}{}
		if err := command(ctx, exam, parts, line); err != nil {
			answer.Error = err.Error()
		}

		if err := answers.Encode(answer); err != nil {
			return fmt.Errorf("answer: %w", err)
		}
	}

	return nil
}

func command(ctx context.Context, exam *exam, parts []*part, line string) error {
	verb, rest, _ := strings.Cut(line, " ")
	if verb == "exam" {
		return exam.change([]byte(rest))
	}

	for _, part := range parts {
		if part.name != rest {
			continue
		}

		switch verb {
		case "start":
			return part.start(ctx)
		case "stop":
			return part.stop(syscall.SIGTERM)
		case "kill":
			return part.stop(syscall.SIGKILL)
		}
	}

	return fmt.Errorf("unknown command %q", line)
}

// lines are what is read from in, until that or ctx ends.
func lines(ctx context.Context, in io.Reader) <-chan string {
	read := make(chan string)

	// Reading standard input cannot be interrupted: the outer goroutine stays
	// behind at most until the process ends.
	scanned := make(chan string)

	go func() {
		defer close(scanned)

		for scanner := bufio.NewScanner(in); scanner.Scan(); {
			scanned <- scanner.Text()
		}
	}()

	go func() {
		defer close(read)

		for {
			select {
			case <-ctx.Done():
				return
			case line, ok := <-scanned:
				if !ok {
					return
				}

				read <- line
			}
		}
	}()

	return read
}
