package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/invigil/invigil/internal/wire"
)

// root is the repository: comments are found by paths relative to it.
func root(t *testing.T) {
	t.Helper()
	t.Chdir("../..")
}

func TestCommittedFileIsWhatIsGenerated(t *testing.T) {
	root(t)

	want, err := generate(t.Context(), "internal/wire")
	if err != nil {
		t.Fatal(err)
	}

	got, err := os.ReadFile("docs/reference/openapi.yaml")
	if err != nil {
		t.Fatal(err)
	}

	if diff := cmp.Diff(string(got), string(want)); diff != "" {
		t.Errorf("run make generate (-committed +generated):\n%s", diff)
	}

	if err := validate(t.Context(), got); err != nil {
		t.Error(err)
	}
}

// undescribed are routes that are for people at a terminal.
var undescribed = regexp.MustCompile(`^GET /debug/pprof/`)

// unregistered are described, and are what is left of a mux by other means.
var unregistered = []string{"GET /"}

func TestEveryRouteIsDescribedAndNoOther(t *testing.T) {
	root(t)

	document, err := describe("internal/wire")
	if err != nil {
		t.Fatal(err)
	}

	var described []string

	for path, item := range document.Paths.Map() {
		for method := range item.Operations() {
			described = append(described, method+" "+path)
		}
	}

	registered := append(slices.Clone(unregistered), routes(t, "scoring", "sfu", "internal")...)

	slices.Sort(registered)
	slices.Sort(described)

	if diff := cmp.Diff(slices.Compact(registered), described); diff != "" {
		t.Errorf("routes (-registered +described):\n%s", diff)
	}
}

// routes are the patterns with a method that the source below some folders
// registers.
func routes(t *testing.T, folders ...string) []string {
	t.Helper()

	var found []string

	pattern := regexp.MustCompile(`^[A-Z]+ /`)

	for _, folder := range folders {
		err := filepath.WalkDir(folder, func(name string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() || !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
				return err
			}

			file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
			if err != nil {
				return err
			}

			ast.Inspect(file, func(node ast.Node) bool {
				call, ok := node.(*ast.CallExpr)
				if !ok || len(call.Args) != 2 {
					return true
				}

				callee, ok := call.Fun.(*ast.SelectorExpr)
				if !ok || (callee.Sel.Name != "Handle" && callee.Sel.Name != "HandleFunc") {
					return true
				}

				literal, ok := call.Args[0].(*ast.BasicLit)
				if !ok {
					t.Errorf("%s: a route that is no literal", name)

					return true
				}

				route, _ := strconv.Unquote(literal.Value)
				if pattern.MatchString(route) && !undescribed.MatchString(route) {
					found = append(found, route)
				}

				return true
			})

			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}

	return found
}

func TestErrorCodes(t *testing.T) {
	root(t)

	document, err := describe("internal/wire")
	if err != nil {
		t.Fatal(err)
	}

	codes := document.Components.Schemas["ErrorCode"].Value.Enum
	for _, code := range []wire.ErrorCode{wire.CodeBadRequest, wire.CodeAlreadyPublishing} {
		if !slices.Contains(codes, any(string(code))) {
			t.Errorf("%s is not among %v", code, codes)
		}
	}

	if got := document.Components.Schemas["Error"].Value.Properties["code"].Ref; got != components+"ErrorCode" {
		t.Errorf("code is %q", got)
	}
}

func TestSocketsNameSchemas(t *testing.T) {
	root(t)

	document, err := describe("internal/wire")
	if err != nil {
		t.Fatal(err)
	}

	sockets := map[string]bool{}

	for path, item := range document.Paths.Map() {
		for _, operation := range item.Operations() {
			extension, ok := operation.Extensions["x-websocket"].(map[string]any)
			if !ok {
				continue
			}

			sockets[path] = true

			for _, way := range []string{"sends", "receives"} {
				reference, ok := extension[way].(map[string]any)
				if !ok {
					continue
				}

				name, _ := reference["$ref"].(string)
				if document.Components.Schemas[strings.TrimPrefix(name, components)] == nil {
					t.Errorf("%s %s %q, which is not there", path, way, name)
				}
			}
		}
	}

	want := []string{"/api/v1/events", "/api/v1/feed", "/api/v1/view/{shard}", "/view"}
	if diff := cmp.Diff(want, slices.Sorted(maps.Keys(sockets))); diff != "" {
		t.Errorf("sockets (-want +got):\n%s", diff)
	}
}

func TestUnknownErrorCodeIsRefused(t *testing.T) {
	root(t)

	constants, err := readConstants("internal/wire")
	if err != nil {
		t.Fatal(err)
	}

	o := operation{method: http.MethodGet, path: "/", refusals: refusals{http.StatusTeapot: {"Teapot"}}}
	if _, err := o.describe(constants); err == nil {
		t.Error("no error")
	}
}
