#!/usr/bin/env bash
# Copies into the chart what it has from config/: CRDs, rights and monitoring have
# one source, and the templates only place them.
set -euo pipefail
cd "$(dirname "$0")/.."

files=charts/invigil/files
kustomize=$(hack/tool.sh packaging kustomize)

mkdir -p "$files"
"$kustomize" build config/crd >"$files/crds.yaml"
"$kustomize" build config/rbac >"$files/rbac.yaml"
cp config/monitoring/{podmonitors.yaml,rules.yaml,dashboard.json} "$files/"
