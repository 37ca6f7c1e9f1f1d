// Command selectors says what PromQL expressions ask for. It reads a JSON array
// of expressions and writes an array of what each of them asks.
package main

import (
	"encoding/json"
	"fmt"
	"os"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"
)

// question is one expression's.
type question struct {
	Selectors []selector `json:"selectors"`
	// By are the labels of aggregations and of vectors' matching.
	By []string `json:"by"`
}

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

	questions := make([]question, len(expressions))
	promql := parser.NewParser(parser.Options{})

	for i, expression := range expressions {
		parsed, err := promql.ParseExpr(expression)
		if err != nil {
			return fmt.Errorf("%s: %w", expression, err)
		}

		parser.Inspect(parsed, func(node parser.Node, _ []parser.Node) error {
			questions[i].add(node)

			return nil
		})
	}

	return json.NewEncoder(os.Stdout).Encode(questions)
}

func (q *question) add(node parser.Node) {
	switch node := node.(type) {
	case *parser.AggregateExpr:
		q.By = append(q.By, node.Grouping...)
	case *parser.BinaryExpr:
		if node.VectorMatching != nil {
			q.By = append(append(q.By, node.VectorMatching.MatchingLabels...), node.VectorMatching.Include...)
		}
	case *parser.VectorSelector:
		var s selector

		for _, matcher := range node.LabelMatchers {
			if matcher.Name == labels.MetricName {
				s.Metric = matcher.Value
			} else {
				s.Labels = append(s.Labels, matcher.Name)
			}
		}

		q.Selectors = append(q.Selectors, s)
	}
}
