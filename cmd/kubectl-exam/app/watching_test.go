package app

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"
)

// mint makes the tokens token-1, token-2 and so on, as long as refused says
// nothing, and none for longer than limit.
type mint struct {
	limit time.Duration

	mu      sync.Mutex
	asked   []int64
	refused error
}

func (m *mint) funcs() interceptor.Funcs {
	return interceptor.Funcs{SubResourceCreate: func(
		_ context.Context, _ client.Client, _ string, _, sub client.Object, _ ...client.SubResourceCreateOption,
	) error {
		m.mu.Lock()
		defer m.mu.Unlock()

		if m.refused != nil {
			return m.refused
		}

		request, _ := sub.(*authenticationv1.TokenRequest)
		seconds := *request.Spec.ExpirationSeconds
		m.asked = append(m.asked, seconds)

		lasts := time.Duration(seconds) * time.Second
		if m.limit != 0 {
			lasts = min(lasts, m.limit)
		}

		request.Status.Token = fmt.Sprintf("token-%d", len(m.asked))
		request.Status.ExpirationTimestamp = metav1.NewTime(now.Add(lasts))

		return nil
	}}
}

func (m *mint) refuse(err error) {
	m.mu.Lock()
	defer m.mu.Unlock()

	m.refused = err
}

func forbiddenToken() error {
	return apierrors.NewForbidden(schema.GroupResource{Resource: "serviceaccounts/token"}, "algebra-invigilator", nil)
}

// watchable is an exam that is there to be watched; end is from now, 0: never.
func watchable(m *mint, end time.Duration) *plugin {
	p := interceptedPlugin(m.funcs(), makeExam("algebra").times(-time.Hour, end).obj(), makePod("scoring-0", true),
		&corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: "exams", Name: "algebra-invigilator"}})
	p.forwarder = &fakeForwarder{}

	return p
}

func TestOpenTheWall(t *testing.T) {
	t.Parallel()

	port := unusedPort(t)

	tests := map[string]struct {
		args        []string
		end         time.Duration
		browser     error
		want        string
		wantStderr  string
		wantBrowsed string
		wantSeconds int64
	}{
		"an exam that ends soon": {
			args: []string{"--wall"},
			end:  10 * time.Minute,
			want: "Forwarding http://localhost:PORT/x/exams/algebra/\n" +
				"Wall: http://localhost:PORT/x/exams/algebra/wall#token-1\n",
			wantStderr:  "Connected to pod scoring-0.\n",
			wantBrowsed: "http://localhost:PORT/x/exams/algebra/wall#token-1",
			wantSeconds: 3600,
		},
		"in some hours, and no browser is wanted": {
			args: []string{"--wall", "--browser=false"},
			end:  3 * time.Hour,
			want: "Forwarding http://localhost:PORT/x/exams/algebra/\n" +
				"Wall: http://localhost:PORT/x/exams/algebra/wall#token-1\n",
			wantStderr:  "Connected to pod scoring-0.\n",
			wantSeconds: 3*3600 + 1800,
		},
		"in days, and no browser is there": {
			args:    []string{"--review"},
			end:     72 * time.Hour,
			browser: errRefused,
			want: "Forwarding http://localhost:PORT/x/exams/algebra/\n" +
				"Review: http://localhost:PORT/x/exams/algebra/review#token-1\n",
			wantStderr:  "No browser was opened: connection refused\nConnected to pod scoring-0.\n",
			wantBrowsed: "http://localhost:PORT/x/exams/algebra/review#token-1",
			wantSeconds: 12 * 3600,
		},
		"never": {
			args: []string{"--wall"},
			want: "Forwarding http://localhost:PORT/x/exams/algebra/\n" +
				"Wall: http://localhost:PORT/x/exams/algebra/wall#token-1\n",
			wantStderr:  "Connected to pod scoring-0.\n",
			wantBrowsed: "http://localhost:PORT/x/exams/algebra/wall#token-1",
			wantSeconds: 12 * 3600,
		},
		"as long as is said": {
			args: []string{"--wall", "--token-duration", "20m"},
			want: "Forwarding http://localhost:PORT/x/exams/algebra/\n" +
				"Wall: http://localhost:PORT/x/exams/algebra/wall#token-1\n",
			wantStderr:  "Connected to pod scoring-0.\n",
			wantBrowsed: "http://localhost:PORT/x/exams/algebra/wall#token-1",
			wantSeconds: 1200,
		},
	}

	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m := &mint{}
				plugin := watchable(m, test.end)
				plugin.browser = test.browser

				opened := plugin.open(t, append(test.args, "--port", port)...)
				if err := opened.stop(); err != nil {
					t.Errorf("interrupted: %v", err)
				}

				compare(t, "stdout", strings.ReplaceAll(test.want, "PORT", port), opened.stdout.String())
				compare(t, "stderr", test.wantStderr, opened.stderr.String())
				compare(t, "browsed", strings.ReplaceAll(test.wantBrowsed, "PORT", port), strings.Join(plugin.browsed, " "))

				if len(m.asked) != 1 || m.asked[0] != test.wantSeconds {
					t.Errorf("asked for %v seconds, want %d", m.asked, test.wantSeconds)
				}
			})
		})
	}
}

const renewal = "The token of the address before ends in 5m0s. " +
	"Opening the new one in the same browser renews the pages that are open.\n"

// TestTokenIsRenewed: before it ends, however short the cluster makes it, and
// after it was refused for a while.
func TestTokenIsRenewed(t *testing.T) {
	t.Parallel()

	port := unusedPort(t)

	synctest.Test(t, func(t *testing.T) {
		m := &mint{limit: 40 * time.Minute}
		opened := watchable(m, 0).open(t, "--wall", "--port", port)
		address := "Wall: http://localhost:" + port + "/x/exams/algebra/wall#token-"
		stdout := "Forwarding http://localhost:" + port + "/x/exams/algebra/\n" + address + "1\n"
		stderr := "Connected to pod scoring-0.\n"

		pass := func(d time.Duration) {
			t.Helper()

			time.Sleep(d) //nolint:forbidigo // the bubble's clock is what passes
			synctest.Wait()
		}
		check := func() {
			t.Helper()
			compare(t, "stdout", stdout, opened.stdout.String())
			compare(t, "stderr", stderr, opened.stderr.String())
		}

		pass(34 * time.Minute)
		check()

		stdout, stderr = stdout+address+"2\n", stderr+renewal

		pass(2 * time.Minute)
		check()

		m.refuse(forbiddenToken())

		stderr += "The page's token cannot be renewed, and ends in 5m0s; trying again: " +
			"not allowed: your role lacks the verb \"create\" on \"serviceaccounts/token\" in namespace \"exams\"\n"

		pass(37 * time.Minute)
		check()
		m.refuse(nil)

		stdout, stderr = stdout+address+"3\n", stderr+renewal

		pass(time.Minute)
		check()

		if err := opened.stop(); err != nil {
			t.Error(err)
		}
	})
}

func TestOpenTheWallErrors(t *testing.T) {
	t.Parallel()

	tests := map[string]struct {
		args    []string
		refused error
		want    string
	}{
		"may not": {
			args: []string{"--wall"}, refused: forbiddenToken(),
			want: `not allowed: your role lacks the verb "create" on "serviceaccounts/token" in namespace "exams"`,
		},
		"not set up": {
			args: []string{"--review"}, refused: apierrors.NewNotFound(schema.GroupResource{}, ""),
			want: `exam "algebra" not found in namespace "exams", or not set up yet`,
		},
		"too short": {
			args: []string{"--wall", "--token-duration", "9m"},
			want: "--token-duration 9m0s: Kubernetes makes no token for less than 10m0s",
		},
		"no page": {
			args: []string{"--token-duration", "20m"},
			want: "--token-duration is for --wall and --review",
		},
		"two pages": {
			args: []string{"--wall", "--review"},
			want: "if any flags in the group [wall review student] are set none of the others can be; [review wall] were all set",
		},
	}

	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			m := &mint{refused: test.refused}
			plugin := watchable(m, 0)

			stdout, _, err := plugin.run(t, append([]string{"open", "algebra", "--port", "0"}, test.args...)...)
			if err == nil || stdout != "" {
				t.Fatalf("no error, and %q", stdout)
			}

			compare(t, "error", test.want, err.Error())

			if forwarder, _ := plugin.forwarder.(*fakeForwarder); len(forwarder.pods) != 0 {
				t.Errorf("forwarded to %v", forwarder.pods)
			}
		})
	}
}
