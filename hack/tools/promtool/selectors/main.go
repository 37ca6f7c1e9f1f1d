// Command selectors says what PromQL expressions ask for. It reads a JSON array
// of expressions and writes, for each of them, its selectors: the metric and the
// labels that it matches by.
package main

import (
	"encoding/json"
	"fmt"
	"os"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"
)

type selector struct {
	Metric string   `json:"metric"`
	Labels []string `json:"labels"`
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "selectors:", err)
		os.Exit(1)
	}
}

func run() error {
	var expressions []string
	if err := json.NewDecoder(os.Stdin).Decode(&expressions); err != nil {
		return err
	}

	found := make([][]selector, len(expressions))
	promql := parser.NewParser(parser.Options{})

	for i, expression := range expressions {
		parsed, err := promql.ParseExpr(expression)
		if err != nil {
			return fmt.Errorf("%s: %w", expression, err)
		}

		for _, matchers := range parser.ExtractSelectors(parsed) {
			found[i] = append(found[i], asked(matchers))
		}
	}

	return json.NewEncoder(os.Stdout).Encode(found)
}

func asked(matchers []*labels.Matcher) selector {
	s := selector{Labels: []string{}}

	for _, matcher := range matchers {
		if matcher.Name == labels.MetricName {
			s.Metric = matcher.Value
		} else {
			s.Labels = append(s.Labels, matcher.Name)
		}
	}

	return s
}
