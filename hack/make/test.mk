##@ Tests. `make test` is all of them.

.PHONY: test
test: test-packages test-web test-go test-fuzz test-browser test-e2e ## Run every test: Go, envtest, fuzz, web, browser, end to end.

.PHONY: test-packages
test-packages:
	hack/packages.sh test

# Kubernetes' API server for envtest comes out of the local cluster's cache.
.PHONY: test-go
test-go: web ## Go tests with the race detector, envtest included.
	go build -o bin/localcluster ./hack/localcluster
	KUBEBUILDER_ASSETS="$$(bin/localcluster assets)" go test -race -timeout 15m ./...
	cd hack/localcluster/modules/provisioner && go test ./...

.PHONY: test-fuzz
test-fuzz: ## Every fuzz target for 30 s (FUZZTIME=30s FUZZ_PACKAGES=./...).
	hack/fuzz.sh

.PHONY: test-web
test-web: web ## Web unit tests.
	npm --prefix webclient run test

test/browser/node_modules/.installed: test/browser/package.json test/browser/package-lock.json
	npm --prefix test/browser ci --no-audit --no-fund
	touch $@

.PHONY: test-browser
test-browser: web test/browser/node_modules/.installed ## The student's page in real Chromium against real servers.
	go build -o bin/ ./cmd/scoring ./cmd/sfu ./test/browser/stack
	npm --prefix test/browser test

.PHONY: test-e2e
test-e2e: web test/browser/node_modules/.installed ## End to end on a real cluster (CLUSTER=auto|kind|local|current).
	test/e2e/run.sh
