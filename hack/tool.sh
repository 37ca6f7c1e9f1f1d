#!/usr/bin/env bash
# Prints the path of a pinned program: hack/tool.sh packaging helm. A module in
# hack/tools names and pins it; it is built when missing, into the user's cache, as
# those of hack/make/tools.mk are.
set -euo pipefail
cd "$(dirname "$0")/tools/$1"

# promtool is built without its clients of clouds: they are most of it, and unused.
export GOWORK=off GOFLAGS=-tags=remove_all_sd

hash=$({ git ls-files -co --exclude-standard . | sort | xargs cat && go env GOVERSION GOOS GOARCH; } | git hash-object --stdin)
bin=${XDG_CACHE_HOME:-$HOME/.cache}/invigil/tools/$1-$hash
program=$bin/$2

if [ ! -x "$program" ]; then
  echo "building $2 (once; kept in $bin)" >&2
  mkdir -p "$bin"
  package=$(go list tool | grep -E "/$2(/v[0-9]+)?\$")
  # The rename is atomic: two that build at once do not disturb each other.
  go build -o "$program.$$" "$package"
  mv -f "$program.$$" "$program"
fi

echo "$program"
