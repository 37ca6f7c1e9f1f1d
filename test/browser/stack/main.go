// Command stack runs one exam's scoring, SFU and Redis on loopback ports for
// the browser tests. It prints one JSON line with the addresses and links, then
// takes one command per line on its standard input, answering each with a line,
// and ends everything it started when that closes or on SIGTERM.
//
//	stop PART    asks a part (redis, scoring, sfu, and with --pods sfu-1, sfu-2 and so on) to end
//	kill PART    ends it at once
//	start PART   starts it again on its old ports
//	exam JSON    changes fields of exam.json
//	grant AUDIENCE SUBJECT [SHARD]     makes a grant for a pod, the first unless one is
//	                                   named: invigil:media or invigil:view
//	invigilator [SUBJECT] [LIFETIME]   makes an invigilator's token, as the cluster would;
//	                                   of the exam's invigilator and for 12h unless said
//	students JSON            has simulated students publish to the pods (see crowd)
//	leave STUDENT            has one of them leave
//	link UP DOWN MBIT        loses so many of 1000 media packets to and from the SFU from
//	                         now on, and lets a peer receive so much (with --bad-link)
//
// Evidence goes to the folder evidence below --dir.
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

	"github.com/invigil/invigil/internal/token"
)

func main() {
	var opts options

	flag.StringVar(&opts.bin, "bin", "bin", "folder of the scoring and sfu binaries")
	flag.StringVar(&opts.redis, "redis-server", "redis-server", "the Redis binary")
	flag.StringVar(&opts.dir, "dir", "", "folder for files and logs; it must exist")
	flag.StringVar(&opts.contentURL, "content-url", "", "the exam's quiz")
	flag.DurationVar(&opts.opensIn, "opens-in", 0, "when students may join, from now; 0: at once")
	flag.DurationVar(&opts.endsIn, "ends-in", 0, "when the exam ends, from now; 0: never")
	flag.IntVar(&opts.pods, "pods", 1, "how many SFU pods there are")
	flag.BoolVar(&opts.badLink, "bad-link", false, "media goes through a relay that can be slow and lose packets")
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

	stack := &stack{exam: exam, parts: exam.parts(), crowd: newCrowd(exam)}

	if opts.badLink {
		if stack.relay, err = newRelay(ctx, exam.pods[0].announcedAddr, exam.pods[0].mediaAddr); err != nil {
			return err
		}

		defer func() { err = errors.Join(err, stack.relay.close()) }()
	}

	defer func() {
		stack.crowd.close()
		// Scoring first: it is the one that would complain about the others.
		for i := len(stack.parts) - 1; i >= 0; i-- {
			err = errors.Join(err, stack.parts[i].stop(syscall.SIGTERM))
		}
	}()

	for _, part := range stack.parts {
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
			Value string `json:"value,omitempty"`
			Error string `json:"error,omitempty"`
		}{}

		var err error
		if answer.Value, err = stack.command(ctx, line); err != nil {
			answer.Error = err.Error()
		}

		if err := answers.Encode(answer); err != nil {
			return fmt.Errorf("answer: %w", err)
		}
	}

	return nil
}

// stack is everything that commands are about.
type stack struct {
	exam  *exam
	parts []*part
	crowd *crowd
	relay *relay // nil without a bad link
}

// command does one, and returns what it has made, if anything.
func (s *stack) command(ctx context.Context, line string) (value string, err error) {
	verb, rest, _ := strings.Cut(line, " ")

	switch verb {
	case "exam":
		return "", s.exam.change([]byte(rest))
	case "grant":
		return s.grant(rest)
	case "invigilator":
		return s.exam.cluster.command(rest)
	case "students":
		return "", s.crowd.join(ctx, []byte(rest))
	case "link":
		return "", s.link(rest)
	case "leave":
		return "", s.crowd.leave(ctx, rest)
	}

	for _, part := range s.parts {
		if part.name != rest {
			continue
		}

		switch verb {
		case "start":
			return "", part.start(ctx)
		case "stop":
			return "", part.stop(syscall.SIGTERM)
		case "kill":
			return "", part.stop(syscall.SIGKILL)
		}
	}

	return "", fmt.Errorf("unknown command %q", line)
}

func (s *stack) grant(line string) (string, error) {
	audience, whom, _ := strings.Cut(line, " ")
	subject, shard, _ := strings.Cut(whom, " ")

	pod, err := s.exam.podOf(shard)
	if err != nil {
		return "", err
	}

	return s.exam.grant(token.Audience(audience), subject, pod)
}

func (s *stack) link(figures string) error {
	if s.relay == nil {
		return errors.New("link needs --bad-link")
	}

	var up, down, mbit int64
	if _, err := fmt.Sscan(figures, &up, &down, &mbit); err != nil {
		return fmt.Errorf("link: %w", err)
	}

	s.relay.lossUp.Store(up)
	s.relay.lossDown.Store(down)
	s.relay.bitrate.Store(mbit * 1_000_000)

	return nil
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
