#!/usr/bin/env bash
# Makes sure that the programs which tests and the demo run are there; installs
# the packages of those that are missing where apt-get can, and says which ones
# are missing where it cannot.
#
#   hack/packages.sh demo|test
set -euo pipefail

# program=package pairs.
demo=(npm=npm redis-server=redis-server)
test=("${demo[@]}" chromium=chromium whip-client=simple-whip-client gcc=gcc turnserver=coturn ip=iproute2)
# Packages that bring no program to look for: a file of theirs instead.
test_files=(/usr/lib/python3/dist-packages/aiortc=python3-aiortc)

case "${1:-}" in
  demo) wanted=("${demo[@]}") ;;
  test) wanted=("${test[@]}") ;;
  *) echo "usage: hack/packages.sh demo|test" >&2; exit 2 ;;
esac

missing=()
for pair in "${wanted[@]}"; do
  command -v "${pair%%=*}" >/dev/null || missing+=("${pair#*=}")
done
if [ "$1" = test ]; then
  for pair in "${test_files[@]}"; do
    compgen -G "${pair%%=*}" >/dev/null || missing+=("${pair#*=}")
  done
fi
[ ${#missing[@]} -eq 0 ] && exit 0

if ! command -v apt-get >/dev/null || [ "$(id -u)" -ne 0 ]; then
  echo "MissingPackages: install what your system calls: ${missing[*]}" >&2
  exit 1
fi

echo "==> installing ${missing[*]}"
# Installing redis-server must not start a Redis of the system's: policy-rc.d is
# how Debian is told so (and is put back as it was).
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
  trap 'rm -f "$policy"' EXIT
  printf '#!/bin/sh\nexit 101\n' >"$policy"
  chmod +x "$policy"
fi
log=$(mktemp)
if ! { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends "${missing[@]}"; } >"$log" 2>&1; then
  cat "$log" >&2
  exit 1
fi
rm -f "$log"
