package main

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/invopop/jsonschema"

	"github.com/invigil/invigil/internal/wire"
)

const (
	module     = "github.com/invigil/invigil"
	components = "#/components/schemas/"
)

// messages are the wire types that requests, answers and sockets have; what they
// consist of comes with them.
func messages() []any {
	return []any{
		wire.Error{}, wire.Notice{}, wire.JoinRequest{}, wire.JoinResponse{}, wire.ClientMessage{}, wire.ServerMessage{},
		wire.FeedMessage{}, wire.Action{}, wire.TakenAction{}, wire.KeptPicture{}, wire.WallConfig{}, wire.SessionRecord{},
		wire.Sessions{}, wire.Streams{},
		wire.Drain{},
		wire.ViewCommand{}, wire.ViewEvent{},
	}
}

// open are the string types whose constants are not all that they may be.
func open(name string) bool { return name == "SlotReason" }

// schemas returns the components.
func schemas(source string, constants map[string][]constant) (openapi3.Schemas, error) {
	enums := map[string]*jsonschema.Schema{}
	reflector := &jsonschema.Reflector{Anonymous: true, AllowAdditionalProperties: true}

	// The folder's own name in the import path is the base's business.
	if err := reflector.AddGoComments(module, source, jsonschema.WithFullComment()); err != nil {
		return nil, fmt.Errorf("comments: %w", err)
	}

	comments := map[string]string{}
	for name, comment := range reflector.CommentMap {
		comments[name[strings.LastIndex(name, "/")+1:]] = comment
	}

	reflector.LookupComment = func(of reflect.Type, field string) string {
		name := "wire." + of.Name()
		if field != "" {
			name += "." + field
		}

		return paragraphs(comments[name])
	}
	reflector.Mapper = func(of reflect.Type) *jsonschema.Schema {
		values, known := constants[of.Name()]
		if !known || of.Kind() != reflect.String || !strings.HasPrefix(of.PkgPath(), module) {
			return nil
		}

		enums[of.Name()] = enum(of.Name(), paragraphs(comments["wire."+of.Name()]), values)

		return &jsonschema.Schema{Ref: "#/$defs/" + of.Name()}
	}

	definitions := jsonschema.Definitions{}

	for _, message := range messages() {
		for name, definition := range reflector.Reflect(message).Definitions {
			definitions[name] = definition
		}
	}

	for name, definition := range enums {
		definitions[name] = definition
	}

	return convert(definitions)
}

// paragraphs joins a comment's lines, which end where the source's width is.
func paragraphs(comment string) string {
	var joined []string

	for paragraph := range strings.SplitSeq(comment, "\n\n") {
		joined = append(joined, strings.Join(strings.Fields(paragraph), " "))
	}

	return strings.Join(joined, "\n\n")
}

func enum(name, comment string, values []constant) *jsonschema.Schema {
	schema := &jsonschema.Schema{Type: "string", Description: comment}

	for _, value := range values {
		if !open(name) {
			schema.Enum = append(schema.Enum, value.value)
		}

		if value.comment != "" {
			schema.Description += "\n- `" + value.value + "`: " + value.comment
		}
	}

	return schema
}

// convert makes components of definitions. OpenAPI 3.1 has JSON Schema's dialect:
// only the references' place is another one.
func convert(definitions jsonschema.Definitions) (openapi3.Schemas, error) {
	// Drain is one type for both ways, and its count is in answers only.
	if drain := definitions["Drain"]; drain != nil {
		request := *drain
		request.Required = slices.DeleteFunc(slices.Clone(drain.Required), func(name string) bool { return name == "sessions" })
		request.Description = "The body of POST drain."
		definitions["DrainRequest"] = &request
	}

	data, err := json.Marshal(definitions)
	if err != nil {
		return nil, fmt.Errorf("encode schemas: %w", err)
	}

	data = []byte(strings.ReplaceAll(string(data), `"#/$defs/`, `"`+components))

	var converted openapi3.Schemas
	if err := json.Unmarshal(data, &converted); err != nil {
		return nil, fmt.Errorf("read schemas: %w", err)
	}

	return converted, nil
}
