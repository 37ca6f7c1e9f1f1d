//go:build tools

// Package runtime pins the container runtime, the CNI plugins and etcd. It is
// never compiled into anything: the blank imports only keep the requirements
// in go.mod. These live apart from Kubernetes because the two sets of
// requirements pull shared modules to different versions.
package runtime

import (
	_ "github.com/containerd/containerd/v2/cmd/containerd"
	_ "github.com/containerd/containerd/v2/cmd/containerd-shim-runc-v2"
	_ "github.com/containerd/containerd/v2/cmd/ctr"
	_ "github.com/containernetworking/plugins/plugins/ipam/host-local"
	_ "github.com/containernetworking/plugins/plugins/main/bridge"
	_ "github.com/containernetworking/plugins/plugins/meta/portmap"
	_ "go.etcd.io/etcd/server/v3"
)
