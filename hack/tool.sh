#!/usr/bin/env bash
# Prints the path of a pinned program: hack/tool.sh packaging helm. A module in
# hack/tools names and pins it; it is built once, into Go's build cache.
set -euo pipefail

# promtool is built without its clients of clouds: they are most of it, and unused.
GOWORK=off GOFLAGS=-tags=remove_all_sd exec go -C "$(dirname "$0")/tools/$1" tool -n "$2"
