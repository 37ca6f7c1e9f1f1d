#!/usr/bin/env bash
# Brings the cluster up, loads the images, and installs the operator from
# config/default with those images. Leaves bin/deploy/env for what comes next.
#
#   hack/deploy.sh          install or update
#   hack/deploy.sh delete   remove the operator, its CRDs and every Exam
set -euo pipefail
cd "$(dirname "$0")/.."

step() { printf '\n==> %s\n' "$*"; }

cluster=$(hack/cluster.sh which)
kubectl=$(hack/cluster.sh kubectl)

if [ "${1:-}" = delete ]; then
  KUBECONFIG=$(hack/cluster.sh kubeconfig)
  export KUBECONFIG
  # Exams first: their finalizer needs the operator alive.
  "$kubectl" delete exams --all --all-namespaces --timeout=120s --ignore-not-found 2>/dev/null || true
  "$kubectl" delete -k config/default --ignore-not-found --timeout=120s
  exit 0
fi

step "Cluster ($cluster)"
hack/cluster.sh up
KUBECONFIG=$(hack/cluster.sh kubeconfig)
export KUBECONFIG

mkdir -p bin/deploy bin/images
if [ "$cluster" = current ]; then
  # A cluster of somebody else's pulls its images: the released ones, or those
  # that these variables name.
  hack/released.sh >bin/images/images.env
else
  step "Images"
  go run ./hack/images --out bin/images
  hack/cluster.sh load bin/images/*.tar
fi
set -a
# shellcheck disable=SC1091
. bin/images/images.env
set +a

step "Operator"
hack/overlay.sh >bin/deploy/kustomization.yaml
"$kubectl" apply --server-side --force-conflicts -k bin/deploy
"$kubectl" -n invigil-system rollout status deployment/invigil-manager --timeout=180s
"$kubectl" wait --for=condition=Established crd/exams.exam.invigil.dev crd/examsessions.exam.invigil.dev --timeout=60s

printf 'KUBECONFIG=%s\nKUBECTL=%s\nLAB_IMAGE=%s\n' "$KUBECONFIG" "$kubectl" "$LAB_IMAGE" >bin/deploy/env
