##@ Measurements. Each prints a table and writes bin/bench/NAME.json.

.PHONY: bench-operator
bench-operator: web ## Time from apply to Ready, and memory of each component.
	hack/deploy.sh
	. bin/deploy/env && export KUBECONFIG && go run ./hack/bench/operator --out bin/bench/operator.json
