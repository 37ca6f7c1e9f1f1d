// Command sfu is Invigil's media server: one pod of an exam.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"

	"go.uber.org/zap"

	"github.com/invigil/invigil/internal/telemetry"
	"github.com/invigil/invigil/internal/tracing"
	"github.com/invigil/invigil/sfu"
	"github.com/invigil/invigil/sfu/session"
)

// gcPercent is GOGC unless the environment says otherwise.
const gcPercent = 25

func main() {
	// Most of the heap is rings of packets, which cost the collector nothing to look
	// at, and which are all in use: letting the heap double before each collection
	// would double the memory of a pod, and save it little.
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}

	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "sfu:", err)
		os.Exit(1)
	}
}

func run() error {
	config := sfu.DefaultConfig()
	timing := &config.Sessions.Timing

	flag.StringVar(&config.Name, "name", "", "name of this pod in the shards file (required)")
	flag.StringVar(&config.Exam, "exam", "", "exam that it serves, <namespace>/<name> (required)")
	flag.StringVar(&config.ShardsFile, "shards-file", "/etc/invigil/shards/shards.json",
		"where each pod is reached; followed while running")
	flag.StringVar(&config.SessionKeyFile, "session-key", "/etc/invigil/keys/session.pub",
		"public key that tokens are checked with")
	flag.StringVar(&config.HTTPAddress, "http-addr", ":8080", "address of the HTTP server, inside the cluster only")
	flag.StringVar(&config.MediaAddress, "media-addr", ":7000", "address that media arrives at, UDP and TCP")
	flag.StringVar(&config.IceServersFile, "ice-servers", "",
		"JSON array of ICE servers that peers are told of; followed while running")
	flag.IntVar(&config.Sessions.Limit, "max-sessions", config.Sessions.Limit, "how many students may publish")
	flag.StringVar((*string)(&config.Sessions.Duplicate), "duplicate", string(config.Sessions.Duplicate),
		"a second publisher of one student: takeover or refuse")
	flag.IntVar(&config.Viewers.Limit, "max-viewers", config.Viewers.Limit, "how many viewers there may be")
	flag.IntVar(&config.Viewers.MaxSlots, "max-slots", config.Viewers.MaxSlots, "how many slots a viewer may have")
	flag.IntVar(&config.Media.MaxBitrate, "max-bitrate", config.Media.MaxBitrate,
		"what a student may send, in bit/s; packets above it are dropped")
	flag.DurationVar(&config.DrainTimeout, "drain-timeout", config.DrainTimeout,
		"how long students have to move to another pod after SIGTERM")
	flag.DurationVar(&timing.KeyFrameInterval, "keyframe-interval", timing.KeyFrameInterval,
		"how often students are asked for a key frame")
	// Off unless asked for: a decode costs ten milliseconds of CPU.
	flag.DurationVar(&timing.SampleInterval, "sample-interval", 0,
		"how often a stream's key frame is looked at for light, sharpness and stillness; 0: never")
	logLevel := flag.String("log-level", "info", "debug, info, warn or error")
	flag.Parse()

	switch {
	case config.Name == "" || config.Exam == "":
		return fmt.Errorf("--name and --exam are required")
	case config.Sessions.Limit < 1 || config.Viewers.Limit < 1 || config.Viewers.MaxSlots < 1:
		return fmt.Errorf("--max-sessions, --max-viewers and --max-slots must be at least 1")
	case config.Sessions.Duplicate != session.TakeOver && config.Sessions.Duplicate != session.Refuse:
		return fmt.Errorf("--duplicate must be takeover or refuse")
	case config.Media.MaxBitrate < 100_000:
		return fmt.Errorf("--max-bitrate must be at least 100000")
	case config.DrainTimeout < 0:
		return fmt.Errorf("--drain-timeout must not be negative")
	case timing.KeyFrameInterval <= 0:
		return fmt.Errorf("--keyframe-interval must be positive")
	case timing.SampleInterval < 0:
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

	stopTracing, err := tracing.Start(ctx, "invigil-sfu")
	if err != nil {
		return err
	}

	defer stopTracing(context.WithoutCancel(ctx)) //nolint:errcheck // spans that nobody takes

	server, err := sfu.Listen(ctx, config, logger)
	if err != nil {
		return err
	}

	return server.Run(ctx)
}
