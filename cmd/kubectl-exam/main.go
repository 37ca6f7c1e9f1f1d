// Command kubectl-exam is a kubectl plugin for Invigil: with it on the PATH,
// `kubectl exam` shows exams, hands out students' links and opens an exam that
// has no public address.
package main

import (
	"os"

	"github.com/invigil/invigil/cmd/kubectl-exam/app"
)

func main() {
	os.Exit(app.Main(os.Args[1:]))
}
