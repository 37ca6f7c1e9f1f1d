#!/usr/bin/env bash
# The cluster that the demo and the end-to-end tests run on, behind one set of
# verbs. CLUSTER picks it:
#   current  the user's current kube context, as it is
#   kind     a kind cluster of ours (needs a Docker engine)
#   local    hack/localcluster: Kubernetes built from its Go modules (Linux, root)
#   auto     kind where a Docker engine answers, else local (the default)
#
#   hack/cluster.sh which|up|down|running|kubeconfig|kubectl|load ARCHIVE...
set -euo pipefail
cd "$(dirname "$0")/.."

KIND_VERSION=v0.33.0
kind_name=invigil

CLUSTER=${CLUSTER:-auto}
if [ "$CLUSTER" = auto ]; then
  if docker info >/dev/null 2>&1; then CLUSTER=kind; else CLUSTER=local; fi
fi

kind() { go run "sigs.k8s.io/kind@$KIND_VERSION" "$@"; }

# The program is built, not run by `go run`, so that signals reach it.
localcluster() {
  go build -o bin/localcluster ./hack/localcluster
  bin/localcluster "$@"
}

kubeconfig() {
  case "$CLUSTER" in
    current) echo "${KUBECONFIG:-$HOME/.kube/config}" ;;
    kind) echo "$PWD/bin/kind.kubeconfig" ;;
    local) localcluster kubeconfig ;;
  esac
}

# The kubectl that was built with the local cluster serves where none is
# installed.
kubectl_path() {
  command -v kubectl || echo "$(localcluster assets)/kubectl"
}

up() {
  case "$CLUSTER" in
    current) "$(kubectl_path)" version >/dev/null ;;
    kind)
      mkdir -p bin
      if ! kind get clusters 2>/dev/null | grep -qx "$kind_name"; then
        kind create cluster --name "$kind_name" --kubeconfig "$(kubeconfig)" --wait 3m
      fi
      kind export kubeconfig --name "$kind_name" --kubeconfig "$(kubeconfig)"
      ;;
    local) localcluster up ;;
  esac
}

down() {
  case "$CLUSTER" in
    current) echo "CLUSTER=current: the cluster is yours and stays." ;;
    kind) kind delete cluster --name "$kind_name" --kubeconfig "$(kubeconfig)" ;;
    local) localcluster down ;;
  esac
}

# running succeeds when the cluster is up already.
running() {
  case "$CLUSTER" in
    current) true ;;
    kind) kind get clusters 2>/dev/null | grep -qx "$kind_name" ;;
    local) localcluster status >/dev/null 2>&1 ;;
  esac
}

load() {
  case "$CLUSTER" in
    current) echo "CLUSTER=current: images are pulled from their registry, none are loaded." ;;
    kind) for archive in "$@"; do kind load image-archive --name "$kind_name" "$archive"; done ;;
    local) localcluster load "$@" ;;
  esac
}

case "${1:-}" in
  which) echo "$CLUSTER" ;;
  up) up ;;
  down) down ;;
  running) running ;;
  kubeconfig) kubeconfig ;;
  kubectl) kubectl_path ;;
  load) shift; load "$@" ;;
  *) sed -n '2,11p' "$0" >&2; exit 2 ;;
esac
