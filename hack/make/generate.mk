##@ What is generated from the Go types. All of it is committed.

.PHONY: generate
generate: $(CONTROLLER_GEN) api-docs openapi ## Regenerate deep copies, CRDs, RBAC, golden files, the chart's copies, the references.
	$(CONTROLLER_GEN) object paths=./api/...
	$(CONTROLLER_GEN) crd paths=./api/... output:crd:dir=config/crd/bases
	$(CONTROLLER_GEN) rbac:roleName=invigil-manager paths=./controllers/... output:rbac:dir=config/rbac
	# What is held against an API server has no golden files, and a server is not there yet.
	go test ./controllers/manifests/ ./cmd/kubectl-exam/app/ -skip APIServer -update >/dev/null
	hack/chart.sh
	gofmt -w $$(git ls-files -co --exclude-standard '*.go')

.PHONY: api-docs
api-docs: $(CRD_REF_DOCS) ## Regenerate the API reference.
	@mkdir -p docs/reference
	$(CRD_REF_DOCS) --source-path=api/v1alpha1 --config=hack/tools/crd-ref-docs/config.yaml \
	  --templates-dir=hack/tools/crd-ref-docs/templates --renderer=markdown \
	  --output-path=docs/reference/api.md --log-level=ERROR

.PHONY: openapi
openapi: ## Regenerate the description of the HTTP endpoints.
	go run ./hack/openapi --out docs/reference/openapi.yaml
