package artifacts

import (
	"context"
	"path/filepath"
)

// Programs maps the name of each program to where it is.
type Programs map[string]string

// All builds everything that is missing and returns where the programs are.
func (s *Store) All(ctx context.Context) (Programs, error) {
	programs := Programs{}
	for _, component := range All() {
		dir, err := s.Build(ctx, component)
		if err != nil {
			return nil, err
		}
		for name := range component.Packages {
			programs[name] = filepath.Join(dir, name)
		}
	}
	if _, err := s.Assets(ctx); err != nil {
		return nil, err
	}
	if _, err := s.Images(ctx); err != nil {
		return nil, err
	}
	return programs, nil
}
