package main

import (
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"strconv"
	"strings"
)

// constant is one value of a string type.
type constant struct{ value, comment string }

// errNoConstants: the source is not what it was taken for.
var errNoConstants = errors.New("no constants")

// readConstants returns the values of each string type that source declares
// constants of, in the source's order.
func readConstants(source string) (map[string][]constant, error) {
	files, err := filepath.Glob(filepath.Join(source, "*.go"))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", source, err)
	}

	found := map[string][]constant{}

	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}

		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ParseComments)
		if err != nil {
			return nil, fmt.Errorf("parse: %w", err)
		}

		for _, declaration := range file.Decls {
			if group, ok := declaration.(*ast.GenDecl); ok && group.Tok == token.CONST {
				addConstants(found, group)
			}
		}
	}

	if len(found["ErrorCode"]) == 0 {
		return nil, fmt.Errorf("%s: %w of ErrorCode", source, errNoConstants)
	}

	return found, nil
}

func addConstants(found map[string][]constant, group *ast.GenDecl) {
	for _, spec := range group.Specs {
		spec, _ := spec.(*ast.ValueSpec)

		kind, typed := spec.Type.(*ast.Ident)
		if !typed || len(spec.Values) != 1 {
			continue
		}

		literal, ok := spec.Values[0].(*ast.BasicLit)
		if !ok || literal.Kind != token.STRING {
			continue
		}

		value, err := strconv.Unquote(literal.Value)
		if err != nil {
			continue // The compiler has seen to it.
		}

		found[kind.Name] = append(found[kind.Name], constant{value, strings.Join(strings.Fields(spec.Doc.Text()), " ")})
	}
}
