// Command manager is Invigil's operator.
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"

	"github.com/go-logr/zapr"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/healthz"
	"sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/metrics/server"

	examv1alpha1 "github.com/invigil/invigil/api/v1alpha1"
	"github.com/invigil/invigil/controllers"
	"github.com/invigil/invigil/internal/telemetry"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "manager:", err)
		os.Exit(1)
	}
}

func run() error {
	var options controllers.Options

	flag.StringVar(&options.Images.SFU, "sfu-image", "ghcr.io/invigil/sfu:v0.1.0", "image of the SFU pods")
	flag.StringVar(&options.Images.Scoring, "scoring-image", "ghcr.io/invigil/scoring:v0.1.0", "image of the scoring pods")
	// 7.2 is the last series of Redis under the BSD licence.
	flag.StringVar(&options.Images.Redis, "redis-image", "docker.io/library/redis:7.2-alpine", "image of the Redis pods")
	pullPolicy := flag.String("image-pull-policy", string(corev1.PullIfNotPresent),
		"pull policy of these images: Always, IfNotPresent or Never")
	flag.Float64Var(&options.Sessions.WritesPerSecond, "session-writes-per-second", 50,
		"most status writes of ExamSessions a second, per Exam")
	metricsAddress := flag.String("metrics-bind-address", ":8080", "address of the metrics endpoint; 0 for none")
	flag.StringVar(&options.MetricsNamespace, "metrics-namespace", "",
		"namespace whose pods may reach the metrics of exams' pods; empty: the SFU's are reached by scoring only")
	healthAddress := flag.String("health-probe-bind-address", ":8081", "address of the health endpoints")
	leaderElect := flag.Bool("leader-elect", false, "work only while holding the lease, so that several managers can stand by")
	logLevel := flag.String("log-level", "info", "debug, info, warn or error")

	flag.Parse()

	if flag.NArg() > 0 {
		return fmt.Errorf("unexpected argument %q", flag.Arg(0))
	}

	logger, err := telemetry.NewLogger("manager", *logLevel)
	if err != nil {
		return err
	}

	log.SetLogger(zapr.NewLogger(logger))

	options.Images.PullPolicy = corev1.PullPolicy(*pullPolicy)
	options.ManagerNamespace = namespace()

	scheme := runtime.NewScheme()
	utilruntime.Must(errors.Join(clientgoscheme.AddToScheme(scheme), examv1alpha1.AddToScheme(scheme)))

	config, err := ctrl.GetConfig()
	if err != nil {
		return fmt.Errorf("no cluster: %w", err)
	}

	mgr, err := ctrl.NewManager(config, ctrl.Options{
		Scheme:                 scheme,
		Cache:                  controllers.CacheOptions(),
		Metrics:                server.Options{BindAddress: *metricsAddress},
		HealthProbeBindAddress: *healthAddress,
		LeaderElection:         *leaderElect,
		LeaderElectionID:       "manager.exam.invigil.dev",
		// Inside a cluster this is known; outside, the manager stands in for one.
		LeaderElectionNamespace: options.ManagerNamespace,
		// run ends right after the manager does, so the next leader need not wait.
		LeaderElectionReleaseOnCancel: true,
	})
	if err != nil {
		return fmt.Errorf("make manager: %w", err)
	}

	if err := controllers.Setup(mgr, options); err != nil {
		return err
	}

	if err := errors.Join(mgr.AddHealthzCheck("ping", healthz.Ping), mgr.AddReadyzCheck("ping", healthz.Ping)); err != nil {
		return fmt.Errorf("add health checks: %w", err)
	}

	return mgr.Start(ctrl.SetupSignalHandler())
}

// namespace is where the manager runs; outside a cluster, where it would.
func namespace() string {
	if name := os.Getenv("POD_NAMESPACE"); name != "" {
		return name
	}

	return "invigil-system"
}
