// Package webclient carries the built student page inside the Go binaries.
package webclient

import (
	"embed"
	"io/fs"
)

// The committed dist/.gitkeep keeps this pattern valid on a checkout where
// the page was never built; the server then finds no index.html in it.
//
//go:embed all:dist
var dist embed.FS

// Dist is the built page: index.html and assets/ at its root.
func Dist() fs.FS {
	sub, err := fs.Sub(dist, "dist")
	if err != nil {
		// Only an invalid path literal can fail here, never the content.
		panic(err)
	}
	return sub
}
