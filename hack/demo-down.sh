#!/usr/bin/env bash
# Removes what `make demo` made. A cluster of ours goes with everything in it;
# from the user's own (CLUSTER=current), namespace, exams and operator are taken.
set -euo pipefail
cd "$(dirname "$0")/.."

if [ "$(hack/cluster.sh which)" = current ]; then
  kubectl=$(hack/cluster.sh kubectl)
  KUBECONFIG=$(hack/cluster.sh kubeconfig)
  export KUBECONFIG
  "$kubectl" delete namespace invigil-demo --ignore-not-found --timeout=180s
  hack/deploy.sh delete
fi
hack/cluster.sh down
