// Command golangci-lint is golangci-lint with kube-api-linter compiled in: what
// "golangci-lint custom" generates, as a program that go.mod pins.
package main

import (
	"cmp"
	"os"
	"runtime/debug"

	"github.com/golangci/golangci-lint/v2/pkg/commands"
	"github.com/golangci/golangci-lint/v2/pkg/exitcodes"

	_ "sigs.k8s.io/kube-api-linter"
)

func main() {
	if err := commands.Execute(buildInfo()); err != nil {
		os.Exit(exitcodes.Failure)
	}
}

// buildInfo names the golangci-lint release that go.mod pins, so that the binary
// and its caches tell the versions apart.
func buildInfo() commands.BuildInfo {
	info := commands.BuildInfo{Version: "unknown", Commit: "none", Date: "unknown"}
	build, ok := debug.ReadBuildInfo()
	if !ok {
		return info
	}
	info.GoVersion = build.GoVersion
	for _, dep := range build.Deps {
		if dep.Path == "github.com/golangci/golangci-lint/v2" {
			info.Version = cmp.Or(dep.Version, info.Version)
			info.Commit = cmp.Or(dep.Sum, info.Commit)
		}
	}
	return info
}
