// Prometheus Operator's CRDs, for a test that applies our objects of its kinds.
// Nothing of it is compiled, so `go mod tidy` would take the requirement away:
// `go mod download` finds the module.
module github.com/invigil/invigil/hack/tools/prometheus-operator

go 1.26.0

require github.com/prometheus-operator/prometheus-operator v0.85.0
