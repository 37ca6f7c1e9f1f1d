#!/usr/bin/env bash
# End-to-end tests on a real cluster: installs the operator from this checkout
# and runs test/e2e against it. A cluster that was not there before is taken
# down again; one that was (a running demo) stays.
set -euo pipefail
cd "$(dirname "$0")/../.."

if ! hack/cluster.sh running; then
  trap 'hack/demo-down.sh' EXIT
  # The local cluster has tests of its own. They cut a node off, so they run only
  # where nobody else uses it.
  if [ "$(hack/cluster.sh which)" = local ]; then
    go test -tags localcluster_e2e -count=1 -timeout 15m -v ./hack/localcluster/e2e/
  fi
fi

hack/deploy.sh
# shellcheck disable=SC1091
. bin/deploy/env
CLUSTER_KIND="$(hack/cluster.sh which)"
export KUBECONFIG KUBECTL LAB_IMAGE CLUSTER_KIND
go build -o bin/kubectl-exam ./cmd/kubectl-exam
go test -tags e2e -count=1 -timeout 25m -v "$@" ./test/e2e/
