#!/usr/bin/env bash
# Prints the path of a pinned program: hack/tool.sh packaging helm. A module in
# hack/tools names and pins it; Go builds it when it is missing, into its own cache.
set -euo pipefail
cd "$(dirname "$0")/tools/$1"

# promtool is built without its clients of clouds: they are most of it, and unused.
GOWORK=off GOFLAGS=-tags=remove_all_sd go tool -n "$2"
