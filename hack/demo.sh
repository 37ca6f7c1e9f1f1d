#!/usr/bin/env bash
# From a fresh clone to a running exam: 20 students enrolled, 12 simulated ones
# streaming a camera. `make demo-down` removes all of it.
set -euo pipefail
cd "$(dirname "$0")/.."

namespace=invigil-demo
exam=algebra-1
simulated=12

step() { printf '\n==> %s\n' "$*"; }

hack/deploy.sh
# shellcheck disable=SC1091
. bin/deploy/env
export KUBECONFIG
go build -o bin/kubectl-exam ./cmd/kubectl-exam

step "Exam $exam"
"$KUBECTL" apply -f config/demo/namespace.yaml
"$KUBECTL" apply -n $namespace -f config/samples/exam_v1alpha1_exam.yaml
"$KUBECTL" wait -n $namespace --for=condition=Ready exam/$exam --timeout=300s

step "$simulated simulated students"
sed -e "s|ghcr.io/invigil/lab:.*|$LAB_IMAGE|" -e "s|EXAM|$exam|" -e "s|STUDENTS|$simulated|" config/demo/lab.yaml |
  "$KUBECTL" apply -n $namespace -f -
"$KUBECTL" -n $namespace rollout status deployment/lab --timeout=120s
"$KUBECTL" wait -n $namespace --for=jsonpath='{.status.students.streaming}'=$simulated exam/$exam --timeout=180s

step "Running"
bin/kubectl-exam -n $namespace status $exam
last=$(bin/kubectl-exam -n $namespace links $exam -o csv | tail -n 1)
cat <<TXT

One student's link (works while the second command below runs):
  ${last##*,}

Next:
  export KUBECONFIG=$KUBECONFIG PATH=$PWD/bin:\$PATH
  kubectl exam -n $namespace open $exam      # then open the link in a browser
  kubectl exam -n $namespace status $exam
  kubectl get exams,examsessions -n $namespace
  make demo-down
TXT
