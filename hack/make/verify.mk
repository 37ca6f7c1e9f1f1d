##@ Checks that write nothing.

.PHONY: lint
lint: $(GOLANGCI_LINT) webclient/node_modules/.installed ## Lint Go, the API types and the web client.
	$(GOLANGCI_LINT) run ./...
	$(GOLANGCI_LINT) run --config .golangci-kal.yml ./api/...
	npm --prefix webclient run lint
	npm --prefix webclient run typecheck

.PHONY: verify
verify: ## Regenerate and lint; fail on any difference or untracked file.
	hack/verify.sh

.PHONY: tidy-check
tidy-check:
	go mod tidy -diff
	cd hack/tools && go mod tidy -diff
	cd hack/tools/versitygw && go mod tidy -diff
	cd hack/tools/packaging && go mod tidy -diff
	cd hack/tools/promtool && go mod tidy -diff
