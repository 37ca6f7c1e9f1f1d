#!/usr/bin/env bash
# Regenerates everything, lints, and fails if that changed a file or left one
# that git does not know.
set -euo pipefail
cd "$(dirname "$0")/.."

hack/packages.sh demo
make --no-print-directory generate tidy-check lint

if [ -n "$(git status --porcelain)" ]; then
  echo "Differences or untracked files after regenerating: commit them, or ignore them." >&2
  git status --short >&2
  git --no-pager diff --stat >&2
  exit 1
fi
