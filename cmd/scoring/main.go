// Command scoring serves one exam: its students' page, joins, reports and media
// signalling on the public address, and the operator's questions on the internal
// one. docs/scoring.md has its flags and metrics.
package main

import (
	"context"
	"crypto/ed25519"
	"errors"
	"flag"
	"fmt"
	"net"
	"os"
	"os/signal"
	"runtime/debug"
	"strings"
	"syscall"
	"time"

	"go.uber.org/zap"

	"github.com/invigil/invigil/internal/telemetry"
	"github.com/invigil/invigil/internal/token"
	"github.com/invigil/invigil/internal/tracing"
	"github.com/invigil/invigil/internal/wire"
	"github.com/invigil/invigil/scoring"
	"github.com/invigil/invigil/scoring/store"
	"github.com/invigil/invigil/webclient"
)

type flags struct {
	config            string
	shards            string
	linkKey           string
	sessionKey        string
	redisAddr         string
	redisPasswordFile string
	journalDir        string
	evidence          string
	evidenceKey       string
	purge             string
	faceModel         string
	connections       int
	tiles             wire.TileLimits
	publicAddr        string
	internalAddr      string
	logLevel          string
}

// gcPercent is GOGC unless the environment says otherwise. The heap is some KiB for
// each session, so memory is not what is short.
const gcPercent = 200

func main() {
	var f flags

	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}

	flag.StringVar(&f.config, "config", "/etc/invigil/config/exam.json", "the exam's configuration; followed")
	flag.StringVar(&f.shards, "shards-file", "/etc/invigil/shards/shards.json", "the SFU pods; followed")
	flag.StringVar(&f.linkKey, "link-key", "/etc/invigil/keys/link.pub", "public key of students' links")
	flag.StringVar(&f.sessionKey, "session-key", "/etc/invigil/keys/session.key", "private key of everything else")
	flag.StringVar(&f.redisAddr, "redis-addr", "", "host:port of Redis; several, comma-separated, are a cluster")
	flag.StringVar(&f.redisPasswordFile, "redis-password-file", "", "file with the password; empty: none")
	flag.StringVar(&f.journalDir, "journal-dir", "",
		"folder that keeps what is accepted without Redis past a restart; empty: memory does, until one")
	flag.StringVar(&f.evidence, "evidence", "",
		"URL of the bucket for the exam's evidence, file:///folder or s3://bucket?...; empty: nothing is recorded")
	flag.StringVar(&f.evidenceKey, "evidence-key", "/etc/invigil/keys/evidence.key", "private key that signs evidence")
	flag.StringVar(&f.purge, "purge", "",
		"serve nothing: delete the pictures of this exam, namespace/name, whose evidence is sealed, and end")
	flag.StringVar(&f.faceModel, "face-model", "",
		"face_landmarker.task for the page's second engine, or a folder with its parts 0, 1 and so on; "+
			"served if exam.json has its checksum")
	flag.IntVar(&f.connections, "max-connections-per-address", scoring.DefaultConnectionsPerAddress,
		"connections that one client address may have open on the public address; -1: no bound")
	f.tiles = scoring.DefaultTiles()
	flag.IntVar(&f.tiles.SlotsPerShard, "wall-slots-per-shard", f.tiles.SlotsPerShard,
		"students of one SFU pod whom a wall shows at the same time; at most the pods' --max-slots")
	flag.IntVar(&f.tiles.Warm, "wall-warm", f.tiles.Warm,
		"tiles before and after those in sight that have a picture already")
	flag.Func("wall-offscreen-grace", "how long a tile out of sight keeps its picture (default 45s)",
		milliseconds(&f.tiles.OffscreenGraceMs))
	flag.Func("wall-attach-timeout", "how long a tile waits for its first frame before it asks again (default 6s)",
		milliseconds(&f.tiles.AttachTimeoutMs))
	flag.IntVar(&f.tiles.AttachRetries, "wall-attach-retries", f.tiles.AttachRetries,
		"how often a tile asks again before it says that there is no picture")
	flag.StringVar(&f.publicAddr, "public-addr", ":8080", "where students are served")
	flag.StringVar(&f.internalAddr, "internal-addr", ":8081", "where the operator is served")
	flag.StringVar(&f.logLevel, "log-level", "info", "debug, info, warn or error")
	flag.Parse()

	if f.tiles.SlotsPerShard < 1 || f.tiles.Warm < 0 || f.tiles.AttachRetries < 0 {
		fmt.Fprintln(os.Stderr, "--wall-slots-per-shard must be at least 1, --wall-warm and --wall-attach-retries not negative")
		os.Exit(2)
	}

	log, err := telemetry.NewLogger("scoring", f.logLevel)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}

	if err := run(f, log); err != nil {
		log.Error("scoring has failed", zap.Error(err))
		os.Exit(1)
	}
}

// milliseconds reads a duration that is not negative.
func milliseconds(into *int64) func(string) error {
	return func(text string) error {
		duration, err := time.ParseDuration(text)
		if err == nil && duration < 0 {
			err = errors.New("must not be negative")
		}

		*into = duration.Milliseconds()

		return err
	}
}

func run(f flags, log *zap.Logger) error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()

	stopTracing, err := tracing.Start(ctx, "invigil-scoring")
	if err != nil {
		return err
	}

	defer stopTracing(context.WithoutCancel(ctx)) //nolint:errcheck // spans that nobody takes

	if f.purge != "" {
		return purge(ctx, f, log)
	}

	linkKey, err := readKey(f.linkKey, token.ParsePublicKey)
	if err != nil {
		return err
	}

	sessionKey, err := readKey(f.sessionKey, token.ParsePrivateKey)
	if err != nil {
		return err
	}

	var evidence *scoring.Evidence

	if f.evidence != "" {
		key, err := readKey(f.evidenceKey, token.ParsePrivateKey)
		if err != nil {
			return err
		}

		evidence = &scoring.Evidence{URL: f.evidence, Key: key}
	}

	if f.redisAddr == "" {
		return fmt.Errorf("--redis-addr is needed")
	}

	redis := store.NewClient(strings.Split(f.redisAddr, ","), f.redisPasswordFile)
	defer redis.Close()

	public, err := (&net.ListenConfig{}).Listen(ctx, "tcp", f.publicAddr)
	if err != nil {
		return fmt.Errorf("public address: %w", err)
	}

	internal, err := (&net.ListenConfig{}).Listen(ctx, "tcp", f.internalAddr)
	if err != nil {
		return fmt.Errorf("internal address: %w", err)
	}

	return scoring.Run(ctx, scoring.Options{
		ConfigFile: f.config,
		ShardsFile: f.shards,
		LinkKey:    linkKey,
		SessionKey: sessionKey,
		Redis:      redis,
		JournalDir: f.journalDir,
		Evidence:   evidence,
		FaceModel:  f.faceModel,
		Page:       webclient.Dist(),
		Public:     public,
		Tiles:      f.tiles,
		Door:       scoring.Door{ConnectionsPerAddress: f.connections},
		Internal:   internal,
		Log:        log,
		Registry:   telemetry.NewRegistry(),
	})
}

func readKey[K ed25519.PublicKey | ed25519.PrivateKey](path string, parse func([]byte) (K, error)) (K, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read key: %w", err)
	}

	key, err := parse(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}

	return key, nil
}
