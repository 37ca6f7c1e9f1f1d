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

.PHONY: bench-detector
bench-detector: web test/browser/node_modules/.installed ## What the face detector reports of known footage; MINUTES=1 for less.
	go build -o bin/ ./cmd/scoring ./cmd/sfu ./test/browser/stack
	cd test/browser && node --test --test-concurrency=1 --test-reporter=spec bench/detector.bench.mjs

.PHONY: bench-wall
bench-wall: web test/browser/node_modules/.installed ## The invigilators' wall beside a naive page, 1,000 students; MINUTES=1 for less.
	go build -o bin/ ./cmd/scoring ./cmd/sfu ./test/browser/stack
	go build -o bin/bench/wall-feed ./hack/bench/wall
	cd webclient && node_modules/.bin/vite build --config bench/vite.config.ts
	cd test/browser && node --test --test-concurrency=1 --test-reporter=spec bench/wall.bench.mjs
