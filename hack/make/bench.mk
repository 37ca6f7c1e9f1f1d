##@ Measurements. Each prints a table and writes bin/bench/NAME.json.

.PHONY: bench-operator
bench-operator: web ## Time from apply to Ready, and memory of each component.
	hack/deploy.sh
	. bin/deploy/env && export KUBECONFIG && go run ./hack/bench/operator --out bin/bench/operator.json

.PHONY: bench-sfu
bench-sfu: ## CPU, memory and joins of the SFU; BENCH="-scenario S0 -runs 1" for less.
	go build -o bin/sfu ./cmd/sfu
	go run ./hack/bench/sfu -out bin/bench/sfu.json $(BENCH)

.PHONY: bench-scoring
bench-scoring: ## CPU, memory and latency of scoring; BENCH="-sessions 100 -stopped 0" for less.
	go build -o bin/scoring ./cmd/scoring
	go run ./hack/bench/scoring -out bin/bench/scoring.json $(BENCH)
