package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/invigil/invigil/hack/images/pack"
)

// packImage builds an image without a container engine: a static Go binary of
// this checkout, or this machine's Redis with the libraries that it loads.
func packImage(ctx context.Context, img image, out string) (string, error) {
	files, config := pack.Accounts(), pack.Config{}

	if img.pkg == "" {
		redis, err := pack.Closure(ctx, "redis-server", "redis-cli")
		if err != nil {
			return "", fmt.Errorf("%w (install your system's Redis; on Debian: apt-get install redis-server)", err)
		}

		files = append(files, redis...)
		config.Entrypoint = []string{"/usr/bin/redis-server"}
	} else {
		binary := filepath.Join(out, img.name)

		build := command(ctx, "go", "build", "-trimpath", "-ldflags", "-s -w", "-o", binary, img.pkg)
		build.Env = append(os.Environ(), "CGO_ENABLED=0")

		if err := build.Run(); err != nil {
			return "", fmt.Errorf("go build: %w", err)
		}

		program := "/" + img.name
		files = append(files, pack.Binary(program, binary))
		config.Entrypoint = []string{program}
	}

	built, err := pack.Build(files, config)
	if err != nil {
		return "", fmt.Errorf("pack: %w", err)
	}

	id, err := built.ConfigName()
	if err != nil {
		return "", fmt.Errorf("image id: %w", err)
	}

	ref := reference(img, id.Hex)

	return ref, pack.Image(archive(out, img), ref, files, config)
}
