#!/usr/bin/env bash
# Prints the images of a release as NAME_IMAGE=... lines: of VERSION, or of the
# chart's version. What is set in the environment already wins.
set -euo pipefail
cd "$(dirname "$0")/.."

version=${VERSION:-$(sed -n 's/^appVersion: //p' charts/invigil/Chart.yaml)}
registry=${REGISTRY:-ghcr.io/invigil}

cat <<ENV
MANAGER_IMAGE=${MANAGER_IMAGE:-$registry/manager:$version}
SFU_IMAGE=${SFU_IMAGE:-$registry/sfu:$version}
SCORING_IMAGE=${SCORING_IMAGE:-$registry/scoring:$version}
LAB_IMAGE=${LAB_IMAGE:-$registry/lab:$version}
REDIS_IMAGE=${REDIS_IMAGE:-docker.io/library/redis:7.2-alpine}
ENV
