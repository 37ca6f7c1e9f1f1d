// Command images makes the project's container images and says what they are
// called. Where a Docker engine answers, the Dockerfile builds them; where none
// does, the Go binaries are built here and packed. A tag is a hash of what is
// in the image, so that a changed image has a changed name and a cluster rolls
// it out by itself.
//
// It writes one docker-archive per image and images.env (NAME_IMAGE=ref lines)
// into the output folder.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
)

// image is one image of the project.
type image struct {
	// name is the image's name, Dockerfile target and archive name.
	name string
	// pkg is the Go package of its program; "" for Redis, which is packed from
	// this machine's redis-server.
	pkg string
}

// images lists what the demo and the tests run. lab and redis are for local
// clusters only: real installations name a public Redis image and no lab.
var images = []image{
	{name: "manager", pkg: "./cmd/manager"},
	{name: "sfu", pkg: "./cmd/sfu"},
	{name: "scoring", pkg: "./cmd/scoring"},
	{name: "lab", pkg: "./hack/lab"},
	{name: "redis"},
}

const repository = "ghcr.io/invigil"

func main() {
	out := flag.String("out", "bin/images", "folder for the archives and images.env")
	engine := flag.String("engine", "auto", "docker, pack, or auto: docker where an engine answers")
	flag.Parse()

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, *out, *engine)

	stop()

	if err != nil {
		fmt.Fprintln(os.Stderr, "images:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, out, engine string) error {
	if err := os.MkdirAll(out, 0o755); err != nil {
		return fmt.Errorf("make output folder: %w", err)
	}

	build := packImage

	switch engine {
	case "docker":
		build = dockerImage
	case "pack":
	case "auto":
		if dockerAnswers(ctx) {
			build = dockerImage
		}
	default:
		return errors.New("-engine must be docker, pack or auto")
	}

	var env strings.Builder

	for _, img := range images {
		ref, err := build(ctx, img, out)
		if err != nil {
			return fmt.Errorf("image %s: %w", img.name, err)
		}

		fmt.Printf("%-8s %s\n", img.name, ref)
		fmt.Fprintf(&env, "%s_IMAGE=%s\n", strings.ToUpper(img.name), ref)
	}

	if err := os.WriteFile(filepath.Join(out, "images.env"), []byte(env.String()), 0o644); err != nil {
		return fmt.Errorf("write images.env: %w", err)
	}

	return nil
}

// archive is where an image's docker-archive is written.
func archive(out string, img image) string { return filepath.Join(out, img.name+".tar") }

func command(ctx context.Context, name string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Stderr = os.Stderr

	return cmd
}
