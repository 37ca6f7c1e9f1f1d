package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/getkin/kin-openapi/openapi3"
)

// The servers, by who reaches them.
const (
	public   = "/x/{namespace}/{exam}"
	internal = "http://{exam}-scoring.{namespace}:8081"
	pod      = "http://{pod}.{namespace}:8080"
)

// servers has what a path's server needs said of it.
func servers(url string) *openapi3.Server {
	variable := func(of string) *openapi3.ServerVariable {
		return &openapi3.ServerVariable{Default: of, Description: "The " + of + "'s name."}
	}

	s := &openapi3.Server{URL: url, Variables: map[string]*openapi3.ServerVariable{"namespace": variable("namespace")}}

	switch url {
	case public:
		s.Description = "Scoring, the exam's one public door; below its own origin."
		s.Variables["exam"] = variable("exam")
	case internal:
		s.Description = "Scoring, inside the cluster only."
		s.Variables["exam"] = variable("exam")
	case pod:
		s.Description = "An SFU pod, inside the cluster only."
		s.Variables["pod"] = variable("pod")
	}

	return s
}

// errTwice: the later description would hide the earlier one.
var errTwice = errors.New("described twice")

// describe makes the document. source is the folder of internal/wire.
func describe(source string) (*openapi3.T, error) {
	constants, err := readConstants(source)
	if err != nil {
		return nil, err
	}

	schemas, err := schemas(source, constants)
	if err != nil {
		return nil, err
	}

	document := &openapi3.T{
		OpenAPI: "3.1.0",
		Info: &openapi3.Info{
			Title:   "Invigil",
			Version: "v1",
			Description: "What Invigil's parts say to each other over HTTP; docs/protocol.md says what it means. " +
				"Times are milliseconds since the Unix epoch unless said otherwise. " +
				"Bodies may have fields that are not here: whoever reads them ignores those.",
			License: &openapi3.License{Name: "Apache-2.0", URL: "https://www.apache.org/licenses/LICENSE-2.0"},
		},
		Servers:    openapi3.Servers{servers(public)},
		Paths:      openapi3.NewPaths(),
		Components: &openapi3.Components{Schemas: schemas, SecuritySchemes: securitySchemes()},
		Tags: openapi3.Tags{
			{Name: tagStudent, Description: "A student's page."},
			{Name: tagInvigilator, Description: "Who watches and acts."},
			{Name: tagOperator, Description: "What scoring says of its exam inside the cluster."},
			{Name: tagSFU, Description: "An SFU pod."},
			{Name: tagAdmin, Description: "Health and metrics, inside the cluster only."},
		},
	}

	operations := append(append(scoringOperations(), sfuOperations()...), adminOperations()...)
	for _, o := range operations {
		item := document.Paths.Value(o.path)
		if item == nil {
			item = &openapi3.PathItem{Parameters: o.pathParameters()}
			for _, url := range o.servers {
				item.Servers = append(item.Servers, servers(url))
			}

			document.Paths.Set(o.path, item)
		}

		described, err := o.describe(constants)
		if err != nil {
			return nil, fmt.Errorf("%s %s: %w", o.method, o.path, err)
		}

		if item.GetOperation(o.method) != nil {
			return nil, fmt.Errorf("%s %s: %w", o.method, o.path, errTwice)
		}

		item.SetOperation(o.method, described)
	}

	return document, nil
}

// securitySchemes are the tokens, by their audience.
func securitySchemes() openapi3.SecuritySchemes {
	schemes := openapi3.SecuritySchemes{}

	for name, what := range map[string]string{
		linkToken:        "A student's link token, audience invigil:join.",
		sessionToken:     "A joined student's session token, audience invigil:session.",
		invigilatorToken: "The exam's invigilator: a ServiceAccount token, audience invigil:exam:<namespace>/<exam>.",
		mediaGrant:       "A media grant, audience invigil:media, good for one pod and a minute.",
		viewGrant:        "A view grant, audience invigil:view, good for one pod and a minute.",
		internalToken:    "A component's token, audience invigil:internal, good for a minute.",
	} {
		schemes[name] = &openapi3.SecuritySchemeRef{Value: &openapi3.SecurityScheme{
			Type: "http", Scheme: "bearer", BearerFormat: "JWT", Description: what,
		}}
	}

	return schemes
}

// validate reads a document, JSON or YAML, and checks it as OpenAPI 3.1.
func validate(ctx context.Context, data []byte) error {
	document, err := openapi3.NewLoader().LoadFromData(data)
	if err != nil {
		return fmt.Errorf("read: %w", err)
	}

	if err := document.Validate(ctx); err != nil {
		return fmt.Errorf("validate: %w", err)
	}

	return nil
}
