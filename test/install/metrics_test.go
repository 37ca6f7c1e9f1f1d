package install_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"
	operator "sigs.k8s.io/controller-runtime/pkg/metrics"

	_ "github.com/invigil/invigil/controllers" // registers the operator's metrics
	"github.com/invigil/invigil/internal/telemetry"
	"github.com/invigil/invigil/internal/token"
	"github.com/invigil/invigil/internal/wire"
	"github.com/invigil/invigil/scoring"
	"github.com/invigil/invigil/scoring/store"
	"github.com/invigil/invigil/sfu"
)

// targetLabels are those that series get when they are scraped: by Prometheus
// Operator, and by config/monitoring/podmonitors.yaml.
var targetLabels = []string{"namespace", "pod", "container", "exam", "component"}

// metric is what one program says of one of its metrics.
type metric struct {
	labels []string
	// kind is what Prometheus calls it, "HISTOGRAM" for example; empty while the
	// metric has no value.
	kind string
}

// registered are the metrics of all programs, by name: what is registered with
// them, whether it has values yet or not.
func registered(t *testing.T) map[string]metric {
	t.Helper()

	all := map[string]metric{}
	add(t, all, operator.Registry.(prometheus.Collector), operator.Registry)

	pod := startSFU(t)
	add(t, all, pod, pod)

	registry := startScoring(t)
	add(t, all, registry, registry)

	return all
}

// described is how a description prints itself, which is the only way to ask it.
var described = regexp.MustCompile(`^Desc\{fqName: "([^"]+)", .* variableLabels: \{(.*)\}\}$`)

func add(t *testing.T, all map[string]metric, registry prometheus.Collector, gatherer prometheus.Gatherer) {
	t.Helper()

	descriptions := make(chan *prometheus.Desc)

	go func() {
		defer close(descriptions)

		registry.Describe(descriptions)
	}()

	for description := range descriptions {
		parts := described.FindStringSubmatch(description.String())
		if parts == nil {
			t.Fatalf("%s prints itself otherwise than expected", description)
		}

		all[parts[1]] = metric{labels: strings.Split(parts[2], ",")}
	}

	families, err := gatherer.Gather()
	if err != nil {
		t.Fatal(err)
	}

	for _, family := range families {
		known := all[family.GetName()]
		known.kind = family.GetType().String()
		all[family.GetName()] = known
	}
}

// startSFU runs an SFU pod until the test ends and returns its registry.
func startSFU(t *testing.T) *prometheus.Registry {
	t.Helper()

	dir := t.TempDir()

	_, key, err := token.NewKeyPair()
	if err != nil {
		t.Fatal(err)
	}

	config := sfu.DefaultConfig()
	config.Name, config.Exam = "algebra-sfu-0", "demo/algebra"
	config.HTTPAddress, config.MediaAddress = "127.0.0.1:0", "127.0.0.1:0"
	config.ShardsFile, config.SessionKeyFile = filepath.Join(dir, "shards.json"), filepath.Join(dir, "session.pub")
	config.DrainTimeout = 0

	if err := os.WriteFile(config.SessionKeyFile, key, 0o600); err != nil {
		t.Fatal(err)
	}

	server, err := sfu.Listen(t.Context(), config, zap.NewNop())
	if err != nil {
		t.Fatal(err)
	}

	untilTheEnd(t, server.Run)

	return server.Metrics()
}

// startScoring runs scoring, with evidence and without Redis, until the test ends,
// and returns its registry once everything is registered.
func startScoring(t *testing.T) *prometheus.Registry {
	t.Helper()

	dir := t.TempDir()
	link, _, err := ed25519.GenerateKey(nil)
	_, session, err2 := ed25519.GenerateKey(nil)
	config, err3 := json.Marshal(wire.ExamConfig{
		Namespace: "demo", Name: "algebra", Evidence: &wire.EvidenceConfig{},
		Policy: wire.Policy{Version: "v1", ReportIntervalMs: 2500, Levels: wire.Levels{Watch: 10, Suspicious: 30, Critical: 60}},
	})
	err4 := os.WriteFile(filepath.Join(dir, "exam.json"), config, 0o600)
	err5 := os.Mkdir(filepath.Join(dir, "evidence"), 0o700)

	if err := errors.Join(err, err2, err3, err4, err5); err != nil {
		t.Fatal(err)
	}

	// Nobody listens there: Redis is not needed for what is asked here.
	redis := store.NewClient([]string{"127.0.0.1:1"}, "")
	registry := telemetry.NewRegistry()
	internal := listen(t)

	options := scoring.Options{
		ConfigFile: filepath.Join(dir, "exam.json"), ShardsFile: filepath.Join(dir, "shards.json"),
		LinkKey: link, SessionKey: session, Redis: redis,
		Evidence: &scoring.Evidence{URL: "file://" + filepath.Join(dir, "evidence"), Key: session},
		Page:     fstest.MapFS{"index.html": {Data: []byte("<!doctype html>")}},
		Public:   listen(t), Internal: internal, Registry: registry, Log: zap.NewNop(),
	}

	untilTheEnd(t, func(ctx context.Context) error {
		defer redis.Close()

		return scoring.Run(ctx, options)
	})

	untilReady(t, "http://"+internal.Addr().String()+"/readyz")

	return registry
}

// untilReady waits until a server says that it is.
func untilReady(t *testing.T, url string) {
	t.Helper()

	ticker := time.NewTicker(50 * time.Millisecond)
	defer ticker.Stop()

	for deadline := time.Now().Add(time.Minute); ; <-ticker.C {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, http.NoBody)
		if err != nil {
			t.Fatal(err)
		}

		response, err := http.DefaultClient.Do(request)
		if err == nil {
			response.Body.Close()

			if response.StatusCode == http.StatusOK {
				return
			}
		}

		if time.Now().After(deadline) {
			t.Fatalf("%s: %v", url, err)
		}
	}
}

func listen(t *testing.T) net.Listener {
	t.Helper()

	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}

	return listener
}

// untilTheEnd runs what ends with its context.
func untilTheEnd(t *testing.T, run func(context.Context) error) {
	t.Helper()

	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	done := make(chan error, 1)

	go func() { done <- run(ctx) }()

	t.Cleanup(func() {
		stop()

		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

// question is what hack/tools/promtool/selectors says of an expression.
type question struct {
	Selectors []struct {
		Metric string   `json:"metric"`
		Labels []string `json:"labels"`
	} `json:"selectors"`
	By []string `json:"by"`
}

// ask parses expressions with Prometheus' own parser.
func ask(t *testing.T, expressions []string) []question {
	t.Helper()

	input, err := json.Marshal(expressions)
	if err != nil {
		t.Fatal(err)
	}

	var said bytes.Buffer

	command := exec.CommandContext(t.Context(), tool(t, "promtool", "selectors"))
	command.Stdin, command.Stderr = bytes.NewReader(input), &said

	out, err := command.Output()
	if err != nil {
		t.Fatalf("%v: %s", err, said.String())
	}

	var found []question
	if err := json.Unmarshal(out, &found); err != nil {
		t.Fatal(err)
	}

	return found
}

// wrong says what is wrong with an expression: of what it asks, what no program of
// ours has.
func wrong(all map[string]metric, asked question) []string {
	var (
		problems []string
		known    = slices.Clone(targetLabels)
	)

	for _, selector := range asked.Selectors {
		labels, ok := lookUp(all, selector.Metric)
		if !ok {
			problems = append(problems, "no program has the metric "+selector.Metric)
		}

		labels = append(labels, targetLabels...)
		known = append(known, labels...)

		for _, label := range selector.Labels {
			if !slices.Contains(labels, label) {
				problems = append(problems, selector.Metric+" has no label "+label)
			}
		}
	}

	if len(asked.Selectors) == 0 {
		problems = append(problems, "no metric is asked for")
	}

	for _, label := range asked.By {
		if !slices.Contains(known, label) {
			problems = append(problems, "no metric of it has the label "+label)
		}
	}

	return problems
}

// lookUp finds a series' labels. Those of histograms have names of their own.
func lookUp(all map[string]metric, series string) (labels []string, ok bool) {
	found, ok := all[series]
	if ok && found.kind != "HISTOGRAM" {
		return slices.Clone(found.labels), true
	}

	for _, suffix := range []string{"_bucket", "_sum", "_count"} {
		base, cut := strings.CutSuffix(series, suffix)
		if found, ok := all[base]; cut && ok && (found.kind == "" || found.kind == "HISTOGRAM") {
			labels := slices.Clone(found.labels)
			if suffix == "_bucket" {
				labels = append(labels, "le")
			}

			return labels, true
		}
	}

	return nil, false
}

// TestExpressions: every rule and every panel asks for metrics and labels that
// there are.
func TestExpressions(t *testing.T) {
	t.Parallel()

	all := registered(t)
	expressions := append(ruleExpressions(t), dashboardExpressions(t)...)

	for i, asked := range ask(t, expressions) {
		for _, problem := range wrong(all, asked) {
			t.Errorf("%s: %s", expressions[i], problem)
		}
	}

	if len(expressions) < 40 {
		t.Errorf("only %d expressions", len(expressions))
	}

	// The test finds what it should.
	broken := []string{
		`sum(invigil_scoring_session)`, `invigil_scoring_sessions{status="Live"}`, `sum by (shard) (invigil_scoring_sessions)`,
		`rate(invigil_scoring_sessions_bucket[5m])`, `invigil_scoring_report_seconds`, `vector(1)`,
		`sum by (le) (rate(invigil_scoring_report_seconds_sum[5m]))`,
		`invigil_sfu_sessions / on (student) invigil_sfu_max_sessions`,
	}

	for i, asked := range ask(t, broken) {
		if len(wrong(all, asked)) == 0 {
			t.Errorf("%s: found in order", broken[i])
		}
	}
}

// TestDocumentedMetrics: the metrics of the docs are those of the programs.
func TestDocumentedMetrics(t *testing.T) {
	t.Parallel()

	docs := read(t, root, "docs", "sfu.md") + read(t, root, "docs", "scoring.md") + read(t, root, "docs", "evidence.md")

	for name := range registered(t) {
		short := strings.TrimPrefix(strings.TrimPrefix(name, "invigil_scoring_evidence_"), "invigil_scoring_")
		if strings.HasPrefix(name, "invigil_") && !strings.HasPrefix(name, "invigil_operator_") &&
			!strings.Contains(docs, "`"+short+"`") && !strings.Contains(docs, "`"+short+"{") {
			t.Errorf("%s is in none of the lists", name)
		}
	}
}
