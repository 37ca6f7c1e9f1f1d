// Command sfu is Invigil's media server: one pod of an exam.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"go.uber.org/zap"

	"github.com/invigil/invigil/internal/telemetry"
	"github.com/invigil/invigil/sfu"
	"github.com/invigil/invigil/sfu/session"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "sfu:", err)
		os.Exit(1)
	}
}

func run() error {
	config := sfu.Config{Timing: session.DefaultTiming()}

	flag.StringVar(&config.Name, "name", "", "name of this pod in the shards file (required)")
	flag.StringVar(&config.Exam, "exam", "", "exam that it serves, <namespace>/<name> (required)")
	flag.StringVar(&config.ShardsFile, "shards-file", "/etc/invigil/shards/shards.json",
		"where each pod is reached; followed while running")
	flag.StringVar(&config.SessionKeyFile, "session-key", "/etc/invigil/keys/session.pub",
		"public key that tokens are checked with")
	flag.StringVar(&config.HTTPAddress, "http-addr", ":8080", "address of the HTTP server, inside the cluster only")
	flag.StringVar(&config.MediaAddress, "media-addr", ":7000", "UDP address that media arrives at")
	flag.IntVar(&config.MaxSessions, "max-sessions", 1000, "how many students may publish")
	flag.DurationVar(&config.Timing.KeyFrameInterval, "keyframe-interval", config.Timing.KeyFrameInterval,
		"how often students are asked for a key frame")
	// Off until scoring judges black and frozen streams by it: a decode costs ten
	// milliseconds of CPU.
	flag.DurationVar(&config.Timing.SampleInterval, "sample-interval", 0,
		"how often a stream's key frame is looked at for light, sharpness and stillness; 0: never")
	logLevel := flag.String("log-level", "info", "debug, info, warn or error")
	flag.Parse()

	switch {
	case config.Name == "" || config.Exam == "":
		return fmt.Errorf("--name and --exam are required")
	case config.MaxSessions < 1:
		return fmt.Errorf("--max-sessions must be at least 1")
	case config.Timing.KeyFrameInterval <= 0:
		return fmt.Errorf("--keyframe-interval must be positive")
	case config.Timing.SampleInterval < 0:
		return fmt.Errorf("--sample-interval must not be negative")
	case flag.NArg() > 0:
		return fmt.Errorf("unexpected argument %q", flag.Arg(0))
	}

	logger, err := telemetry.NewLogger("sfu", *logLevel)
	if err != nil {
		return err
	}

	logger = logger.With(zap.String("shard", config.Name), zap.String("exam", config.Exam))

	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()

	server, err := sfu.Listen(ctx, config, logger)
	if err != nil {
		return err
	}

	return server.Run(ctx)
}
