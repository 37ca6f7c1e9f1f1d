#!/usr/bin/env bash
# Writes what a release is installed from into dist/, or the folder DIST:
# install.yaml, and the chart as an archive. VERSION and the images' variables
# (hack/released.sh) say which images they start.
set -euo pipefail
cd "$(dirname "$0")/.."

dist=${DIST:-dist}
version=${VERSION:-$(sed -n 's/^appVersion: //p' charts/invigil/Chart.yaml)}
kustomize=$(hack/tool.sh packaging kustomize)
helm=$(hack/tool.sh packaging helm)

images=$(hack/released.sh)
set -a
eval "$images"
set +a

mkdir -p bin "$dist"
overlay=$(mktemp -d bin/dist.XXXXXX)
trap 'rm -r "$overlay"' EXIT

hack/overlay.sh >"$overlay/kustomization.yaml"
"$kustomize" build "$overlay" --output "$dist/install.yaml"
"$helm" package charts/invigil --version "${version#v}" --app-version "$version" --destination "$dist" >/dev/null
