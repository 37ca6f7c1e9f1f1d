# Developer tools, pinned by hack/tools/go.mod and built only when missing: a
# rule that needs one names its variable as a prerequisite, for example
#
#   lint: $(GOLANGCI_LINT)
#
# They live in the user's cache, in a folder per hash of what decides their
# content, so checkouts share them and a changed pin is a different file.

TOOLS_SRC := $(abspath $(dir $(lastword $(MAKEFILE_LIST)))/../tools)
# The Go release counts too: golangci-lint refuses code newer than the Go it was built by.
TOOLS_HASH := $(shell cd '$(TOOLS_SRC)' && { cat go.mod go.sum golangci-lint/main.go && go env GOVERSION GOOS GOARCH; } | git hash-object --stdin)
TOOLS_BIN := $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/invigil/tools/$(TOOLS_HASH)

CONTROLLER_GEN := $(TOOLS_BIN)/controller-gen
GOLANGCI_LINT := $(TOOLS_BIN)/golangci-lint
CRD_REF_DOCS := $(TOOLS_BIN)/crd-ref-docs

$(CONTROLLER_GEN): tool-package := sigs.k8s.io/controller-tools/cmd/controller-gen
$(GOLANGCI_LINT): tool-package := ./golangci-lint
$(CRD_REF_DOCS): tool-package := github.com/elastic/crd-ref-docs

# The rename is atomic, so an interrupted build leaves nothing that looks like a
# tool, and two checkouts that build the same one at once do not disturb each other.
$(CONTROLLER_GEN) $(GOLANGCI_LINT) $(CRD_REF_DOCS):
	@mkdir -p $(@D)
	@echo "building $(@F) (once; kept in $(@D))" >&2
	@GOWORK=off GOFLAGS= go build -C $(TOOLS_SRC) -trimpath -ldflags='-s -w' -o $@.$$$$ $(tool-package) && mv -f $@.$$$$ $@
