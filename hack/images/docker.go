package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
)

func dockerAnswers(ctx context.Context) bool {
	return exec.CommandContext(ctx, "docker", "info").Run() == nil
}

// dockerImage builds the Dockerfile's target of that name, tags it with its own
// id, and saves it.
func dockerImage(ctx context.Context, img image, out string) (string, error) {
	build := command(ctx, "docker", "build", "--quiet", "--target", img.name, ".")

	id, err := build.Output()
	if err != nil {
		return "", fmt.Errorf("docker build: %w", err)
	}

	digest := strings.TrimPrefix(strings.TrimSpace(string(id)), "sha256:")
	ref := reference(img, digest)

	if err := command(ctx, "docker", "tag", "sha256:"+digest, ref).Run(); err != nil {
		return "", fmt.Errorf("docker tag: %w", err)
	}

	// docker save refuses to overwrite on some versions.
	if err := os.RemoveAll(archive(out, img)); err != nil {
		return "", fmt.Errorf("replace archive: %w", err)
	}

	if err := command(ctx, "docker", "save", "--output", archive(out, img), ref).Run(); err != nil {
		return "", fmt.Errorf("docker save: %w", err)
	}

	return ref, nil
}

// reference names an image by its content.
func reference(img image, digest string) string {
	return fmt.Sprintf("%s/%s:dev-%.12s", repository, img.name, digest)
}
