// Package pack makes container images from files, without a container engine
// and without a registry, and writes them as tarballs that `docker load`,
// `ctr images import` and `localcluster load` understand.
//
// The same files give the same image, byte for byte: layers are sorted, carry
// no build time and no owner but root.
package pack

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
)

// NonRoot is the user and group, by number, that images run as unless their
// Config says otherwise. By number, because a kubelet can only verify
// runAsNonRoot for numeric users.
const NonRoot = "65532:65532"

// Config says how a container of the image starts.
type Config struct {
	// Entrypoint is the program and its leading arguments.
	Entrypoint []string
	// Cmd holds the default arguments, which a pod's `args` replace.
	Cmd []string
	// Env holds NAME=value pairs.
	Env []string
	// User is the user that runs the program; NonRoot when empty.
	User string
	// WorkingDir is the folder the program starts in; / when empty.
	WorkingDir string
	// Ports are documented as exposed, such as "6379/tcp".
	Ports []string
	// Labels are copied into the image.
	Labels map[string]string
}

// Build makes an image from files.
func Build(files []File, config Config) (v1.Image, error) {
	layer, err := layerOf(files)
	if err != nil {
		return nil, err
	}
	image, err := mutate.AppendLayers(empty.Image, layer)
	if err != nil {
		return nil, fmt.Errorf("append layer: %w", err)
	}
	base, err := image.ConfigFile()
	if err != nil {
		return nil, fmt.Errorf("read image config: %w", err)
	}
	full := base.DeepCopy()
	full.Architecture = runtime.GOARCH
	full.OS = "linux"
	full.Config = v1.Config{
		Entrypoint: config.Entrypoint,
		Cmd:        config.Cmd,
		Env:        config.Env,
		User:       config.User,
		WorkingDir: config.WorkingDir,
		Labels:     config.Labels,
	}
	if full.Config.User == "" {
		full.Config.User = NonRoot
	}
	if full.Config.WorkingDir == "" {
		full.Config.WorkingDir = "/"
	}
	if !slices.ContainsFunc(config.Env, func(pair string) bool { return len(pair) > 5 && pair[:5] == "PATH=" }) {
		full.Config.Env = append([]string{"PATH=/usr/local/bin:/usr/bin:/bin:/"}, config.Env...)
	}
	if len(config.Ports) > 0 {
		full.Config.ExposedPorts = map[string]struct{}{}
		for _, port := range config.Ports {
			full.Config.ExposedPorts[port] = struct{}{}
		}
	}
	image, err = mutate.ConfigFile(image, full)
	if err != nil {
		return nil, fmt.Errorf("set image config: %w", err)
	}
	return image, nil
}

// Image makes an image called ref from files and writes it to path, whole or
// not at all.
func Image(path, ref string, files []File, config Config) error {
	tag, err := name.NewTag(ref)
	if err != nil {
		return fmt.Errorf("image name %q: %w", ref, err)
	}
	image, err := Build(files, config)
	if err != nil {
		return fmt.Errorf("pack %s: %w", ref, err)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return fmt.Errorf("pack %s: %w", ref, err)
	}
	draft, err := os.CreateTemp(filepath.Dir(path), ".pack-*")
	if err != nil {
		return fmt.Errorf("pack %s: %w", ref, err)
	}
	defer func() { _ = os.Remove(draft.Name()) }()
	if err := tarball.Write(tag, image, draft); err != nil {
		_ = draft.Close()
		return fmt.Errorf("write %s: %w", ref, err)
	}
	if err := draft.Chmod(0o644); err != nil {
		_ = draft.Close()
		return fmt.Errorf("write %s: %w", ref, err)
	}
	if err := draft.Close(); err != nil {
		return fmt.Errorf("write %s: %w", ref, err)
	}
	if err := os.Rename(draft.Name(), path); err != nil {
		return fmt.Errorf("write %s: %w", ref, err)
	}
	return nil
}
