package main

import (
	"bytes"
	"debug/buildinfo"
	"fmt"
	"os"
	"runtime"
	"strings"
)

type machine struct {
	CPU    string `json:"cpu"`
	Cores  int    `json:"cores"`
	Kernel string `json:"kernel"`
	// Go is what the sfu program was built with.
	Go string `json:"go"`
	// Load is the load average over the minute before: what else was going on.
	Load string `json:"load"`
	// Namespace: all servers and clients were in a network namespace of their own.
	Namespace bool `json:"namespace"`
}

func describeMachine(binary string) (machine, error) {
	built, err := buildinfo.ReadFile(binary)
	if err != nil {
		return machine{}, fmt.Errorf("sfu program: %w", err)
	}

	m := machine{Cores: runtime.NumCPU(), Go: built.GoVersion, CPU: runtime.GOARCH, Namespace: inNamespace()}

	cpus, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return machine{}, fmt.Errorf("describe machine: %w", err)
	}

	if _, rest, ok := bytes.Cut(cpus, []byte("model name")); ok {
		line, _, _ := bytes.Cut(rest, []byte("\n"))
		m.CPU = strings.TrimSpace(strings.TrimLeft(string(line), " \t:"))
	}

	release, err := os.ReadFile("/proc/sys/kernel/osrelease")
	if err != nil {
		return machine{}, fmt.Errorf("describe machine: %w", err)
	}

	m.Kernel = strings.TrimSpace(string(release))

	load, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return machine{}, fmt.Errorf("describe machine: %w", err)
	}

	m.Load, _, _ = strings.Cut(string(load), " ")

	return m, nil
}
