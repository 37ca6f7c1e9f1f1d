package install_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"
)

// rules are the part of a PrometheusRule that is read here.
type rules struct {
	Spec struct {
		Groups []struct {
			Rules []struct {
				Alert string `json:"alert"`
				Expr  string `json:"expr"`
			} `json:"rules"`
		} `json:"groups"`
	} `json:"spec"`
}

func readRules(t *testing.T) rules {
	t.Helper()

	var found rules
	if err := yaml.Unmarshal([]byte(read(t, root, "config", "monitoring", "rules.yaml")), &found); err != nil {
		t.Fatal(err)
	}

	return found
}

func ruleExpressions(t *testing.T) []string {
	t.Helper()

	var expressions []string

	for _, group := range readRules(t).Spec.Groups {
		for _, rule := range group.Rules {
			expressions = append(expressions, rule.Expr)
		}
	}

	return expressions
}

// dashboard is the part of a dashboard that is read here.
type dashboard struct {
	Panels []struct {
		ID      int    `json:"id"`
		Type    string `json:"type"`
		Title   string `json:"title"`
		GridPos struct{ X, Y, W, H int }
		Targets []struct {
			Expr string `json:"expr"`
		} `json:"targets"`
	} `json:"panels"`
	Templating struct {
		List []struct {
			Name       string `json:"name"`
			Type       string `json:"type"`
			Definition string `json:"definition"`
		} `json:"list"`
	} `json:"templating"`
}

func readDashboard(t *testing.T) dashboard {
	t.Helper()

	var found dashboard
	if err := json.Unmarshal([]byte(read(t, root, "config", "monitoring", "dashboard.json")), &found); err != nil {
		t.Fatal(err)
	}

	return found
}

// labelValues is a question that only Grafana asks: which values a label has.
var labelValues = regexp.MustCompile(`^label_values\((.*), ([a-z]+)\)$`)

// dashboardExpressions are those of panels and variables, with what Grafana puts in.
func dashboardExpressions(t *testing.T) []string {
	t.Helper()

	var expressions []string

	found := readDashboard(t)

	for _, variable := range found.Templating.List {
		if variable.Type == "query" {
			parts := labelValues.FindStringSubmatch(variable.Definition)
			if parts == nil {
				t.Fatalf("variable %s: %s", variable.Name, variable.Definition)
			}

			expressions = append(expressions, "count by ("+parts[2]+") ("+parts[1]+")")
		}
	}

	for _, panel := range found.Panels {
		for _, target := range panel.Targets {
			expressions = append(expressions, strings.ReplaceAll(target.Expr, "$__rate_interval", "1m"))
		}
	}

	return expressions
}

func TestDashboard(t *testing.T) {
	t.Parallel()

	found := readDashboard(t)
	ids, taken := map[int]bool{}, map[[2]int]string{}

	for _, panel := range found.Panels {
		if ids[panel.ID] {
			t.Errorf("%s: id %d is there twice", panel.Title, panel.ID)
		}

		ids[panel.ID] = true

		if panel.Type != "row" && len(panel.Targets) == 0 {
			t.Errorf("%s shows nothing", panel.Title)
		}

		for x := panel.GridPos.X; x < panel.GridPos.X+panel.GridPos.W; x++ {
			for y := panel.GridPos.Y; y < panel.GridPos.Y+panel.GridPos.H; y++ {
				if other, there := taken[[2]int{x, y}]; there || x >= 24 {
					t.Fatalf("%s lies over %q", panel.Title, other)
				}

				taken[[2]int{x, y}] = panel.Title
			}
		}
	}
}

// alertTests are promtool's; testdata/alerts.yaml.
type alertTests struct {
	Tests []struct {
		AlertRuleTest []struct {
			Alertname string            `json:"alertname"`
			ExpAlerts []json.RawMessage `json:"exp_alerts"`
		} `json:"alert_rule_test"`
	} `json:"tests"`
}

// TestAlerts runs promtool's tests of the rules: every alert fires when it should,
// and is silent when it should be.
func TestAlerts(t *testing.T) {
	t.Parallel()

	var object struct {
		Spec json.RawMessage `json:"spec"`
	}

	if err := yaml.Unmarshal([]byte(read(t, root, "config", "monitoring", "rules.yaml")), &object); err != nil {
		t.Fatal(err)
	}

	// What a PrometheusRule holds is a file of rules.
	dir, cases := t.TempDir(), read(t, "testdata", "alerts.yaml")
	for file, text := range map[string]string{"rules.yaml": string(object.Spec), "alerts.yaml": cases} {
		if err := os.WriteFile(filepath.Join(dir, file), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}

	promtool := tool(t, "promtool", "promtool")
	output(t, promtool, "check", "rules", "--lint=all", "--lint-fatal", filepath.Join(dir, "rules.yaml"))
	output(t, promtool, "test", "rules", filepath.Join(dir, "alerts.yaml"))

	var tests alertTests
	if err := yaml.Unmarshal([]byte(cases), &tests); err != nil {
		t.Fatal(err)
	}

	fires, silent := map[string]bool{}, map[string]bool{}

	for _, test := range tests.Tests {
		for _, expected := range test.AlertRuleTest {
			if len(expected.ExpAlerts) > 0 {
				fires[expected.Alertname] = true
			} else {
				silent[expected.Alertname] = true
			}
		}
	}

	for _, group := range readRules(t).Spec.Groups {
		for _, rule := range group.Rules {
			if !fires[rule.Alert] || !silent[rule.Alert] {
				t.Errorf("%s: tested to fire: %v, and to be silent: %v", rule.Alert, fires[rule.Alert], silent[rule.Alert])
			}

			if !strings.Contains(read(t, root, "docs", "install.md"), "`"+rule.Alert+"`") {
				t.Errorf("docs/install.md does not say what to do when %s fires", rule.Alert)
			}
		}
	}
}
