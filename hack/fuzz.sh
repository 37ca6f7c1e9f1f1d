#!/usr/bin/env bash
# Runs every fuzz target for a while, one more at a time than there are cores: while
# one is built the others run. FUZZTIME says how long, FUZZ_PACKAGES where.
set -euo pipefail
cd "$(dirname "$0")/.."

time=${FUZZTIME:-30s}
packages=${FUZZ_PACKAGES:-./...}

# shellcheck disable=SC2086 # a list
targets=$(go list -f '{{if or .TestGoFiles .XTestGoFiles}}{{.ImportPath}} {{.Dir}}{{end}}' $packages | while read -r package dir; do
  { grep -hos '^func Fuzz[A-Za-z0-9_]*' "$dir"/*_test.go || true; } | sed "s|^func |$package |"
done)

if [ -z "$targets" ]; then
  echo "no fuzz targets in $packages" >&2
  exit 1
fi

# Before Go 1.27, go test sometimes takes the end of -fuzztime itself for a failure
# (https://go.dev/issue/75804): it then says "context deadline exceeded", and
# nothing else. Whatever it finds, a panic, a failed check or a hang, it says where
# the input was written, or what happened to the process.
ended_by_the_clock() {
  local said
  said=$(sed -n '/^--- FAIL: /,/^FAIL$/p' <<<"$1" | sed -e '/^--- FAIL: /d' -e '/^FAIL$/d' -e 's/^ *//')
  [ "$said" = "context deadline exceeded" ]
}

run_one() {
  package=$1 target=$2
  # -parallel=1: other targets use the other cores. Minimising what is interesting
  # would take the time that finding it needs.
  if output=$(go test -run '^$' -fuzz "^$target\$" -fuzztime "$time" -fuzzminimizetime 1x -parallel 1 "$package" 2>&1); then
    echo "ok   $package $target $(grep -o 'execs: [0-9]*' <<<"$output" | tail -1)"
  elif ended_by_the_clock "$output"; then
    echo "ok   $package $target $(grep -o 'execs: [0-9]*' <<<"$output" | tail -1), ended late"
  else
    echo "FAIL $package $target"
    echo "$output"
    return 1
  fi
}
export -f run_one ended_by_the_clock
export time

xargs -P "$(($(nproc) + 1))" -L 1 bash -c 'run_one "$@"' run_one <<<"$targets"
