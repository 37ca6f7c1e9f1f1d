// Package install_test tests what Invigil is installed and monitored with, as
// users get it: install.yaml and the chart by the real kustomize and Helm, applied
// to a real API server, and rules and dashboard against the metrics that the
// programs really have.
package install_test

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/yaml"
	sigsyaml "sigs.k8s.io/yaml"
)

// root is the repository.
var root = filepath.Join("..", "..")

// namespace is where the operator is installed.
const namespace = "invigil-system"

// TestMain asks for the state of every file that programs read here: Go repeats a
// test that has passed only when a file that it has asked for itself has changed.
func TestMain(m *testing.M) {
	for _, folder := range []string{"config", "charts", "hack"} {
		err := filepath.WalkDir(filepath.Join(root, folder), func(path string, _ fs.DirEntry, err error) error {
			if err == nil {
				_, err = os.Stat(path)
			}

			return err
		})
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}

	os.Exit(m.Run())
}

// output of a program; it fails the test with what the program says.
func output(t *testing.T, program string, arguments ...string) string {
	t.Helper()

	out, said, err := attempt(t, nil, program, arguments...)
	if err != nil {
		t.Fatalf("%s %s: %v\n%s%s", filepath.Base(program), strings.Join(arguments, " "), err, out, said)
	}

	return out
}

// attempt runs a program with the environment's additions, and returns what it
// wrote to its two streams.
func attempt(t *testing.T, environment []string, program string, arguments ...string) (out, said string, err error) {
	t.Helper()

	var stdout, stderr bytes.Buffer

	command := exec.CommandContext(t.Context(), program, arguments...)
	command.Env = append(os.Environ(), environment...)
	command.Stdout, command.Stderr = &stdout, &stderr
	err = command.Run()

	return stdout.String(), stderr.String(), err
}

// tool is the path of a pinned program.
func tool(t *testing.T, module, name string) string {
	t.Helper()

	return strings.TrimSpace(output(t, filepath.Join(root, "hack", "tool.sh"), module, name))
}

// dist makes what `make dist` does, in a folder of the test.
func dist(t *testing.T, environment ...string) string {
	t.Helper()

	folder := t.TempDir()

	out, said, err := attempt(t, append(environment, "DIST="+folder), filepath.Join(root, "hack", "dist.sh"))
	if err != nil {
		t.Fatalf("dist: %v\n%s%s", err, out, said)
	}

	return folder
}

func read(t *testing.T, path ...string) string {
	t.Helper()

	data, err := os.ReadFile(filepath.Join(path...))
	if err != nil {
		t.Fatal(err)
	}

	return string(data)
}

// objects of a stream of YAML documents. Fields that are given twice are refused.
func objects(t *testing.T, stream string) []*unstructured.Unstructured {
	t.Helper()

	var found []*unstructured.Unstructured

	for documents := yaml.NewYAMLReader(bufio.NewReader(strings.NewReader(stream))); ; {
		document, err := documents.Read()
		if errors.Is(err, io.EOF) {
			return found
		}

		object := map[string]any{}
		if err == nil {
			err = sigsyaml.UnmarshalStrict(document, &object)
		}

		if err != nil {
			t.Fatalf("%v in\n%s", err, document)
		}

		if len(object) > 0 {
			found = append(found, &unstructured.Unstructured{Object: object})
		}
	}
}

// name says which object it is.
func name(object *unstructured.Unstructured) string {
	return strings.Join([]string{object.GetKind(), object.GetNamespace(), object.GetName()}, "/")
}

// byName are objects, of which no two may have one name.
func byName(t *testing.T, all []*unstructured.Unstructured) map[string]*unstructured.Unstructured {
	t.Helper()

	found := map[string]*unstructured.Unstructured{}

	for _, object := range all {
		if found[name(object)] != nil {
			t.Fatalf("%s is there twice", name(object))
		}

		found[name(object)] = object
	}

	return found
}
