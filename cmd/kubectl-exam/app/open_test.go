package app

import (
	"bytes"
	"context"
	"net"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// fakeForwarder holds each connection until ctx ends, or fails at once.
type fakeForwarder struct {
	failures []error

	mu   sync.Mutex
	pods []string
}

func (f *fakeForwarder) Forward(ctx context.Context, pod types.NamespacedName, _, _ int, ready func()) error {
	f.mu.Lock()
	f.pods = append(f.pods, pod.Name)
	n := len(f.pods)
	f.mu.Unlock()

	if n <= len(f.failures) {
		return f.failures[n-1]
	}

	ready()
	<-ctx.Done()

	return nil
}

// output is a stream that is read while it is written.
type output struct {
	mu  sync.Mutex
	got bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()

	return o.got.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()

	return o.got.String()
}

// opening is a command that is under way, such as `kubectl exam open`.
type opening struct {
	stdout, stderr *output
	interrupt      func()
	ended          chan error
}

// open starts it inside a synctest bubble and lets it come to rest.
func (p *plugin) open(t *testing.T, args ...string) *opening {
	t.Helper()

	return p.start(t, append([]string{"open", "algebra"}, args...)...)
}

// start runs a command inside a synctest bubble and lets it come to rest.
func (p *plugin) start(t *testing.T, args ...string) *opening {
	t.Helper()

	ctx, interrupt := context.WithCancel(t.Context())
	o := &opening{stdout: &output{}, stderr: &output{}, interrupt: interrupt, ended: make(chan error, 1)}

	go func() {
		streams := genericiooptions.IOStreams{In: strings.NewReader(""), Out: o.stdout, ErrOut: o.stderr}
		o.ended <- p.runWith(t, ctx, streams, args...)
	}()

	synctest.Wait()

	return o
}

// stop interrupts it and returns what it ended with.
func (o *opening) stop() error {
	o.interrupt()

	return <-o.ended
}

func TestOpenPrintsTheAddress(t *testing.T) {
	t.Parallel()

	objects := []client.Object{
		makeExam("algebra").live().obj(),
		makeLinks("algebra", 0, firstChunk),
		makePod("scoring-0", true),
	}
	port := unusedPort(t)

	tests := map[string]struct {
		args        []string
		browser     error
		want        string
		wantStderr  string
		wantBrowsed string
	}{
		"no student": {
			want: "Forwarding http://localhost:PORT/x/exams/algebra/\n" +
				"Students' links: kubectl exam links algebra -n exams --base-url http://localhost:PORT\n",
			wantStderr: "Connected to pod scoring-0.\n",
		},
		"student and browser": {
			args: []string{"--student", "ada", "--browser"},
			want: "Forwarding http://localhost:PORT/x/exams/algebra/\n" +
				"Student ada: http://localhost:PORT/x/exams/algebra/#t.a\n",
			wantStderr:  "Connected to pod scoring-0.\n",
			wantBrowsed: "http://localhost:PORT/x/exams/algebra/#t.a",
		},
		"no browser there": {
			args:    []string{"--student", "ada", "--browser"},
			browser: errRefused,
			want: "Forwarding http://localhost:PORT/x/exams/algebra/\n" +
				"Student ada: http://localhost:PORT/x/exams/algebra/#t.a\n",
			wantStderr:  "No browser was opened: connection refused\nConnected to pod scoring-0.\n",
			wantBrowsed: "http://localhost:PORT/x/exams/algebra/#t.a",
		},
	}

	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				plugin := newPlugin(objects...)
				plugin.forwarder, plugin.browser = &fakeForwarder{}, test.browser

				opened := plugin.open(t, append(test.args, "--port", port)...)
				if err := opened.stop(); err != nil {
					t.Errorf("interrupted: %v", err)
				}

				compare(t, "stdout", strings.ReplaceAll(test.want, "PORT", port), opened.stdout.String())
				compare(t, "stderr", test.wantStderr, opened.stderr.String())
				compare(t, "browsed", strings.ReplaceAll(test.wantBrowsed, "PORT", port), strings.Join(plugin.browsed, " "))
			})
		})
	}
}

func TestOpenPicksAPort(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		plugin := newPlugin(makeExam("algebra").obj(), makePod("scoring-0", true))
		plugin.forwarder = &fakeForwarder{}

		opened := plugin.open(t, "--port", "0")
		if err := opened.stop(); err != nil {
			t.Fatal(err)
		}

		line, _, _ := strings.Cut(opened.stdout.String(), "\n")
		if strings.Contains(line, ":0/") || !strings.HasPrefix(line, "Forwarding http://localhost:") {
			t.Errorf("first line is %q", line)
		}
	})
}

// The pod is replaced while students sit: the same port leads to its successor.
func TestOpenFollowsThePod(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		forwarder := &fakeForwarder{failures: []error{errRefused}}
		plugin := newPlugin(makeExam("algebra").live().obj(), makePod("scoring-0", false))
		plugin.forwarder = forwarder
		opened := plugin.open(t, "--port", "0")

		change := func(err error) {
			t.Helper()

			if err != nil {
				t.Fatal(err)
			}

			for range 5 {
				_ = pause(t.Context())
			}

			synctest.Wait()
		}

		change(plugin.client.Create(t.Context(), makePod("scoring-1", true)))
		change(plugin.client.Delete(t.Context(), makePod("scoring-1", true)))
		change(plugin.client.Create(t.Context(), makePod("scoring-2", true)))

		if err := opened.stop(); err != nil {
			t.Fatal(err)
		}

		compare(t, "pods", "scoring-1 scoring-1 scoring-2", strings.Join(forwarder.pods, " "))
		compare(t, "stderr", lines(`
Exam "algebra" (Live) has no ready scoring pod; waiting for one.
Lost pod scoring-1: connection refused
Connected to pod scoring-1.
Lost pod scoring-1: it is not ready any more
Exam "algebra" (Live) has no ready scoring pod; waiting for one.
Connected to pod scoring-2.
`), opened.stderr.String())

		if n := strings.Count(opened.stdout.String(), "Forwarding"); n != 1 {
			t.Errorf("announced %d times", n)
		}
	})
}

func TestOpenErrors(t *testing.T) {
	t.Parallel()

	taken, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()

	port := strconv.Itoa(taken.Addr().(*net.TCPAddr).Port)
	running := newPlugin(makeExam("algebra").obj(), makeLinks("algebra", 0, firstChunk), makePod("scoring-0", true))
	running.forwarder = &fakeForwarder{failures: []error{
		apierrors.NewForbidden(schema.GroupResource{Resource: "pods/portforward"}, "scoring-0", errRefused),
	}}

	tests := map[string]struct {
		plugin *plugin
		args   []string
		want   string
	}{
		"no such exam": {
			plugin: newPlugin(),
			want:   `exam "algebra" not found in namespace "exams"`,
		},
		"no such student": {
			plugin: running,
			args:   []string{"--student", "eve"},
			want:   `no student "eve" is enrolled in exam "algebra"`,
		},
		"port in use": {
			plugin: running,
			args:   []string{"--port", port},
			want: "port " + port + " cannot be used; --port names another, --port 0 picks a free one: " +
				"listen tcp4 127.0.0.1:" + port + ": bind: address already in use",
		},
		"may not forward": {
			plugin: running,
			args:   []string{"--port", "0"},
			want:   `not allowed: your role lacks the verb "create" on "pods/portforward" in namespace "exams"`,
		},
	}

	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			_, _, err := test.plugin.run(t, append([]string{"open", "algebra"}, test.args...)...)
			if err == nil {
				t.Fatal("no error")
			}

			compare(t, "error", test.want, err.Error())
		})
	}
}

func unusedPort(t *testing.T) string {
	t.Helper()

	port, err := freePort(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}

	return strconv.Itoa(port)
}
