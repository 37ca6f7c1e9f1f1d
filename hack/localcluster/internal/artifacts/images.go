package artifacts

import (
	"context"
	"path/filepath"

	"github.com/invigil/invigil/hack/images/pack"
)

// The names of the images the cluster itself needs. No registry has them: they
// are only ever imported.
const (
	PauseImage   = "invigil.local/pause:v1"
	CoreDNSImage = "invigil.local/coredns:v1"
)

// Images packs the images that the cluster itself needs and returns their
// tarballs.
func (s *Store) Images(ctx context.Context) ([]string, error) {
	var tarballs []string
	for _, image := range []struct {
		component Component
		program   string
		ref       string
		user      string
	}{
		{Pause, "pause", PauseImage, "65535:65535"},
		{CoreDNS, "coredns", CoreDNSImage, pack.NonRoot},
	} {
		dir, err := s.Build(ctx, image.component)
		if err != nil {
			return nil, err
		}
		tarball := filepath.Join(s.Dir, "image-"+filepath.Base(dir)+".tar")
		if !exists(tarball) {
			s.Report("packing image %s", image.ref)
			path := "/" + image.program
			err := pack.Image(tarball, image.ref,
				[]pack.File{pack.Binary(path, filepath.Join(dir, image.program))},
				pack.Config{Entrypoint: []string{path}, User: image.user})
			if err != nil {
				return nil, err
			}
		}
		tarballs = append(tarballs, tarball)
	}
	return tarballs, nil
}
