package controllers_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"k8s.io/utils/ptr"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/config"
	"sigs.k8s.io/controller-runtime/pkg/envtest"
	"sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/log/zap"
	"sigs.k8s.io/controller-runtime/pkg/metrics/server"
	"sigs.k8s.io/yaml"

	examv1alpha1 "github.com/invigil/invigil/api/v1alpha1"
	"github.com/invigil/invigil/controllers"
	"github.com/invigil/invigil/controllers/manifests"
	"github.com/invigil/invigil/controllers/sessions"
)

const (
	// patience is how long a test waits for what must come.
	patience = 60 * time.Second
	// startPatience is how long an API server may take to start.
	startPatience = 3 * time.Minute
	// silence stands for the 10 s after which scoring counts as gone.
	silence  = 2 * time.Second
	pollStep = 50 * time.Millisecond
)

// suite is the API server that all tests of this package share, with the
// operator running against it. Each test has a namespace of its own.
type suite struct {
	client  client.Client
	config  *rest.Config
	writes  *writeCounter
	scoring *fakeScoring
}

// shared is started by the first test that needs it and stopped after the last.
var shared struct {
	once  sync.Once
	suite *suite
	err   error
	stop  func() error
}

func TestMain(m *testing.M) {
	m.Run()

	for _, stop := range []func() error{shared.stop, timeless.stop} {
		if stop == nil {
			continue
		}

		if err := stop(); err != nil {
			fmt.Fprintln(os.Stderr, "envtest:", err)
		}
	}
}

func startCluster() {
	log.SetLogger(zap.New(zap.UseDevMode(true), zap.WriteTo(os.Stderr)))

	s, stopAPI, err := startAPI()
	if err != nil {
		shared.err = err

		return
	}

	ctx, cancel := context.WithCancel(context.Background())

	var running sync.WaitGroup

	shared.suite = s
	shared.err = s.operate(ctx, &running, controllers.Options{Images: testImages()})
	shared.stop = func() error {
		cancel()
		running.Wait()

		return stopAPI()
	}
}

// startAPI starts an API server without an operator.
func startAPI() (s *suite, stop func() error, err error) {
	env := &envtest.Environment{
		CRDDirectoryPaths: []string{filepath.Join("..", "config", "crd", "bases")}, ErrorIfCRDPathMissing: true,
		// Two of them start at once, on a machine that may be busy.
		ControlPlaneStartTimeout: startPatience, ControlPlaneStopTimeout: patience,
	}

	config, err := env.Start()
	if err != nil {
		return nil, nil, fmt.Errorf("start envtest: %w", err)
	}

	scheme := runtime.NewScheme()
	if err := errors.Join(clientgoscheme.AddToScheme(scheme), examv1alpha1.AddToScheme(scheme)); err != nil {
		return nil, nil, err
	}

	config.QPS = -1

	direct, err := client.New(config, client.Options{Scheme: scheme})
	if err != nil {
		return nil, nil, err
	}

	s = &suite{client: direct, config: config, writes: &writeCounter{}, scoring: &fakeScoring{}}

	return s, env.Stop, grant(context.Background(), direct)
}

func testImages() manifests.Images {
	return manifests.Images{SFU: "sfu:test", Scoring: "scoring:test", Redis: "redis:test", PullPolicy: corev1.PullNever}
}

// operate runs an operator until ctx ends, in the given namespaces or, without
// any, in all.
func (s *suite) operate(
	ctx context.Context, running *sync.WaitGroup, options controllers.Options, namespaces ...string,
) error {
	// With the rights of config/rbac and no others.
	counted := rest.CopyConfig(s.config)
	counted.Impersonate.UserName = "system:serviceaccount:invigil-system:invigil-manager"
	counted.Wrap(s.writes.wrap)

	caches := controllers.CacheOptions()

	for _, namespace := range namespaces {
		caches.DefaultNamespaces = map[string]cache.Config{namespace: {}}
	}

	mgr, err := ctrl.NewManager(counted, ctrl.Options{
		Scheme: s.client.Scheme(), Cache: caches, Metrics: server.Options{BindAddress: "0"},
		// Several operators live in this process.
		Controller: config.Controller{SkipNameValidation: ptr.To(true)},
	})
	if err != nil {
		return err
	}

	options.ManagerNamespace = "invigil-system"
	options.Sessions = sessions.Options{
		HTTP: &http.Client{Transport: s.scoring}, Silence: silence, Coalesce: time.Second,
	}

	if err := controllers.Setup(mgr, options); err != nil {
		return err
	}

	running.Go(func() {
		if err := mgr.Start(ctx); err != nil {
			fmt.Fprintln(os.Stderr, "manager:", err)
		}
	})

	return nil
}

// grant gives the operator the rights that config/rbac gives it.
func grant(ctx context.Context, c client.Client) error {
	for file, object := range map[string]client.Object{
		"role.yaml": &rbacv1.ClusterRole{}, "role_binding.yaml": &rbacv1.ClusterRoleBinding{},
	} {
		data, err := os.ReadFile(filepath.Join("..", "config", "rbac", file))
		if err != nil {
			return err
		}

		if err := yaml.UnmarshalStrict(data, object); err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}

		if err := c.Create(ctx, object); err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
	}

	return nil
}

// needCluster returns the suite and a namespace for the test.
func needCluster(t *testing.T) (*suite, string) {
	t.Helper()
	needAssets(t)
	shared.once.Do(startCluster)

	if shared.err != nil {
		t.Fatal(shared.err)
	}

	return shared.suite, shared.suite.makeNamespace(t)
}

func needAssets(t *testing.T) {
	t.Helper()

	if os.Getenv("KUBEBUILDER_ASSETS") == "" {
		t.Fatal("KUBEBUILDER_ASSETS is not set: it names the folder with kube-apiserver, etcd and kubectl " +
			"(`make test-go` sets it)")
	}
}

// makeNamespace makes one of the test's own.
func (s *suite) makeNamespace(t *testing.T) string {
	t.Helper()

	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "t-"}}
	if err := s.client.Create(t.Context(), namespace); err != nil {
		t.Fatal(err)
	}

	t.Cleanup(func() { s.deleteExams(t, namespace.Name) })

	return namespace.Name
}

// deleteExams keeps an exam of one test from being reconciled under the next.
func (s *suite) deleteExams(t *testing.T, namespace string) {
	t.Helper()

	// The test's context is over at this point.
	ctx := context.WithoutCancel(t.Context())
	if err := s.client.DeleteAllOf(ctx, &examv1alpha1.Exam{}, client.InNamespace(namespace)); err != nil {
		t.Error(err)
	}
}

// eventually waits until check returns nil and fails with its last error.
func eventually(t *testing.T, what string, check func() error) {
	t.Helper()

	ticker := time.NewTicker(pollStep)
	defer ticker.Stop()

	deadline := time.Now().Add(patience)

	for {
		err := check()
		if err == nil {
			return
		}

		if time.Now().After(deadline) {
			t.Fatalf("%s: %v", what, err)
		}

		select {
		case <-t.Context().Done():
			t.Fatalf("%s: %v", what, err)
		case <-ticker.C:
		}
	}
}

// writeCounter counts the operator's requests that are no reads, by namespace.
type writeCounter struct {
	mu       sync.Mutex
	requests map[string][]string
}

func (c *writeCounter) wrap(next http.RoundTripper) http.RoundTripper {
	return roundTrip(func(request *http.Request) (*http.Response, error) {
		if request.Method != http.MethodGet {
			if _, rest, ok := strings.Cut(request.URL.Path, "/namespaces/"); ok {
				namespace, _, _ := strings.Cut(rest, "/")

				c.mu.Lock()
				if c.requests == nil {
					c.requests = map[string][]string{}
				}

				c.requests[namespace] = append(c.requests[namespace], request.Method+" "+request.URL.Path)
				c.mu.Unlock()
			}
		}

		return next.RoundTrip(request)
	})
}

// of returns the writes into a namespace so far.
func (c *writeCounter) of(namespace string) []string {
	c.mu.Lock()
	defer c.mu.Unlock()

	return append([]string(nil), c.requests[namespace]...)
}

type roundTrip func(*http.Request) (*http.Response, error)

// RoundTrip implements http.RoundTripper.
func (f roundTrip) RoundTrip(request *http.Request) (*http.Response, error) { return f(request) }
