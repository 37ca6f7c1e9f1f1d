# `make help` lists what there is. CLUSTER=auto|kind|local|current picks the
# cluster of demo and end-to-end tests (hack/cluster.sh).
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

include hack/make/tools.mk
include hack/make/generate.mk
include hack/make/web.mk
include hack/make/test.mk
include hack/make/verify.mk
include hack/make/bench.mk

.PHONY: help
help: ## List the targets.
	@awk 'BEGIN {FS = ":.*## "} /^[a-z0-9-]+:.*## / {printf "  %-16s %s\n", $$1, $$2}' $(sort $(MAKEFILE_LIST))

.PHONY: packages
packages: ## Install the system packages that the demo needs, where apt-get can.
	hack/packages.sh demo

.PHONY: build
build: web ## Build every program into bin/.
	go build -o bin/ ./cmd/...

.PHONY: dist
dist: ## Write install.yaml and the chart into dist/ (VERSION, REGISTRY, MANAGER_IMAGE, ... of hack/released.sh).
	hack/dist.sh

.PHONY: demo
demo: packages web ## From a clone to a running exam with simulated students.
	hack/demo.sh

.PHONY: deploy
deploy: packages web ## Bring up the cluster and install the operator from this checkout.
	hack/deploy.sh

.PHONY: demo-down
demo-down: ## Remove the demo: exam, operator, and the cluster if it is ours.
	hack/demo-down.sh
