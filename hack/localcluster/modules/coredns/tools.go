//go:build tools

// Package coredns pins the cluster's name server. It is never compiled into
// anything: the blank import only keeps the requirement in go.mod. CoreDNS
// has a module of its own because its requirements differ from both others.
package coredns

import _ "github.com/coredns/coredns"
