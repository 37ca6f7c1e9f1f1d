package main

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/invigil/invigil/internal/wire"
)

// The tokens of securitySchemes.
const (
	linkToken        = "linkToken"
	sessionToken     = "sessionToken"
	invigilatorToken = "invigilatorToken"
	mediaGrant       = "mediaGrant"
	viewGrant        = "viewGrant"
	internalToken    = "internalToken"
)

const (
	tagStudent     = "student"
	tagInvigilator = "invigilator"
	tagOperator    = "operator"
	tagSFU         = "sfu"
	tagAdmin       = "admin"
)

const (
	typeJSON     = "application/json"
	typeSDP      = "application/sdp"
	typeFragment = "application/trickle-ice-sdpfrag"
	typeJPEG     = "image/jpeg"
	typeText     = "text/plain"
	typeBinary   = "application/octet-stream"
)

// operation is one endpoint, as its table has it.
type operation struct {
	method, path string
	servers      []string
	id, tag      string
	summary      string
	// bearers are the tokens that any one of opens it; none: nobody needs one.
	bearers []string
	query   []parameter
	headers []parameter
	// body is what a request carries; limit is its most bytes.
	body  content
	limit int
	// answers by status, of success.
	answers map[int]answer
	// refusals by status: the codes that the body of that answer may have.
	refusals map[int][]wire.ErrorCode
	socket   *socket
}

// content is a body. schema names a component; "" is for what is not JSON.
type content struct{ media, schema string }

type answer struct {
	content

	what    string
	headers map[string]string
}

type parameter struct {
	name, what string
	schema     *openapi3.Schema
	required   bool
}

// socket is what follows an upgrade to WebSocket. OpenAPI does not describe that;
// the extension x-websocket does.
type socket struct {
	subprotocol string
	// sends and receives are components, from the client's side; "": nothing.
	sends, receives string
	closes          map[int]string
}

var errCode = errors.New("no such error code")

func (o operation) describe(constants map[string][]constant) (*openapi3.Operation, error) {
	described := &openapi3.Operation{
		OperationID: o.id, Tags: []string{o.tag}, Summary: o.summary,
		Responses: &openapi3.Responses{}, Security: openapi3.NewSecurityRequirements(),
	}

	for _, bearer := range o.bearers {
		described.Security.With(openapi3.NewSecurityRequirement().Authenticate(bearer))
	}

	for _, p := range o.query {
		described.AddParameter(p.describe(openapi3.ParameterInQuery))
	}

	for _, p := range o.headers {
		described.AddParameter(p.describe(openapi3.ParameterInHeader))
	}

	if o.body.media != "" {
		body := openapi3.NewRequestBody().WithRequired(true).WithContent(o.body.describe()).
			WithDescription(fmt.Sprintf("At most %d bytes.", o.limit))
		described.RequestBody = &openapi3.RequestBodyRef{Value: body}
	}

	for status, answer := range o.answers {
		described.AddResponse(status, answer.describe())
	}

	for status, codes := range o.refusals {
		refusal, err := describeRefusal(codes, constants)
		if err != nil {
			return nil, err
		}

		described.AddResponse(status, refusal)
	}

	if o.socket != nil {
		described.Extensions = map[string]any{"x-websocket": o.socket.describe()}
		described.AddResponse(http.StatusSwitchingProtocols,
			openapi3.NewResponse().WithDescription("The socket is open; x-websocket says what goes over it."))
	}

	return described, nil
}

// pathParameters are those that the path names.
func (o operation) pathParameters() openapi3.Parameters {
	var parameters openapi3.Parameters

	for part := range strings.SplitSeq(o.path, "/") {
		if name, ok := strings.CutPrefix(part, "{"); ok {
			parameter := openapi3.NewPathParameter(strings.TrimSuffix(name, "}")).WithSchema(openapi3.NewStringSchema())
			parameters = append(parameters, &openapi3.ParameterRef{Value: parameter})
		}
	}

	return parameters
}

func (p parameter) describe(in string) *openapi3.Parameter {
	schema := p.schema
	if schema == nil {
		schema = openapi3.NewStringSchema()
	}

	return &openapi3.Parameter{
		Name: p.name, In: in, Description: p.what, Required: p.required, Schema: &openapi3.SchemaRef{Value: schema},
	}
}

func (c content) describe() openapi3.Content {
	media := openapi3.NewMediaType()

	switch {
	case c.schema != "":
		media.Schema = openapi3.NewSchemaRef(components+c.schema, nil)
	case c.media == typeJPEG:
		// OpenAPI 3.1: bytes have no schema.
	default:
		media.Schema = openapi3.NewSchemaRef("", openapi3.NewStringSchema())
	}

	return openapi3.Content{c.media: media}
}

func (a answer) describe() *openapi3.Response {
	response := openapi3.NewResponse().WithDescription(a.what)
	if a.media != "" {
		response.Content = a.content.describe()
	}

	for name, what := range a.headers {
		response.Headers = withHeader(response.Headers, name, what)
	}

	return response
}

func withHeader(headers openapi3.Headers, name, what string) openapi3.Headers {
	if headers == nil {
		headers = openapi3.Headers{}
	}

	headers[name] = &openapi3.HeaderRef{Value: &openapi3.Header{Parameter: openapi3.Parameter{
		Description: what, Schema: openapi3.NewSchemaRef("", openapi3.NewStringSchema()),
	}}}

	return headers
}

// describeRefusal is an Error whose code is one of some.
func describeRefusal(codes []wire.ErrorCode, constants map[string][]constant) (*openapi3.Response, error) {
	var (
		values []any
		names  []string
	)

	for _, code := range codes {
		if !slices.ContainsFunc(constants["ErrorCode"], func(c constant) bool { return c.value == string(code) }) {
			return nil, fmt.Errorf("%w: %q", errCode, code)
		}

		values = append(values, string(code))
		names = append(names, string(code))
	}

	code := openapi3.NewStringSchema().WithEnum(values...)
	schema := openapi3.NewAllOfSchema()
	schema.AllOf = openapi3.SchemaRefs{
		openapi3.NewSchemaRef(components+"Error", nil),
		openapi3.NewSchemaRef("", openapi3.NewObjectSchema().WithProperty("code", code)),
	}
	response := openapi3.NewResponse().WithDescription(strings.Join(names, ", ")).WithJSONSchema(schema)

	if slices.ContainsFunc(codes, retried) {
		response.Headers = withHeader(response.Headers, "Retry-After",
			"Seconds until another try is worth it; not with every code.")
	}

	return response, nil
}

// retried is whether answers with the code say when to come back.
func retried(code wire.ErrorCode) bool {
	switch code {
	case wire.CodeRateLimited, wire.CodeExamNotOpen, wire.CodeNoShardAvailable, wire.CodeNotReady, wire.CodeTooManySessions:
		return true
	default:
		return false
	}
}

func (s *socket) describe() map[string]any {
	described := map[string]any{"subprotocol": s.subprotocol}

	if s.sends != "" {
		described["sends"] = map[string]any{"$ref": components + s.sends}
	}

	if s.receives != "" {
		described["receives"] = map[string]any{"$ref": components + s.receives}
	}

	closes := map[string]any{}
	for code, what := range s.closes {
		closes[strconv.Itoa(code)] = what
	}

	described["closeCodes"] = closes

	return described
}
