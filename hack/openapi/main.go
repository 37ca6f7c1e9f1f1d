// Command openapi writes the OpenAPI 3.1 description of every HTTP endpoint of
// scoring and the SFU. Schemas are made from the Go types in internal/wire, with
// their comments; which endpoint takes and answers what is in scoring.go and sfu.go,
// and tests hold it to the routes that the servers register.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"

	"sigs.k8s.io/yaml"
)

func main() {
	out := flag.String("out", "docs/reference/openapi.yaml", "file to write")
	source := flag.String("wire", "internal/wire", "folder of the wire types")

	flag.Parse()

	data, err := generate(context.Background(), *source)
	if err == nil {
		err = os.WriteFile(*out, data, 0o644) //nolint:gosec // a file of the repository
	}

	if err != nil {
		fmt.Fprintln(os.Stderr, "openapi:", err)
		os.Exit(1)
	}
}

const header = "# Written by hack/openapi from internal/wire (make generate). Do not edit.\n"

// generate returns the description as YAML. It is valid, and the same for the same
// source.
func generate(ctx context.Context, source string) ([]byte, error) {
	document, err := describe(source)
	if err != nil {
		return nil, err
	}

	data, err := document.MarshalJSON()
	if err != nil {
		return nil, fmt.Errorf("encode: %w", err)
	}

	// What is written is what is checked: references are only resolved by reading.
	if err := validate(ctx, data); err != nil {
		return nil, err
	}

	text, err := yaml.JSONToYAML(data)
	if err != nil {
		return nil, fmt.Errorf("encode: %w", err)
	}

	return append([]byte(header), text...), nil
}
