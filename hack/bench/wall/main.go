// Command wall serves an exam that nobody sits, for measuring the pages that watch
// it: the invigilators' page and a naive one, both below /x/bench/exam/, and a feed
// of so many students whose scores change so many times a second. It speaks the
// feed of docs/protocol.md, and bundles as scoring does: a delta every 100 ms.
//
// A real exam cannot do that for minutes, since scores only rise. It prints one
// JSON line with its address and ends when its standard input closes.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"time"
)

// base is where scoring would serve an exam.
const base = "/x/bench/exam/"

func main() {
	pages := flag.String("pages", "", "folder of the built pages")
	students := flag.Int("students", 1000, "how many there are")
	rate := flag.Int("rate", 400, "changes of a score per second, of all")
	flag.Parse()

	if err := run(context.Background(), *pages, *students, *rate); err != nil {
		fmt.Fprintln(os.Stderr, "bench wall:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, pages string, students, rate int) error {
	if pages == "" || students < 1 || rate < 1 {
		return errors.New("--pages must name a folder, --students and --rate must be at least 1")
	}

	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp4", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}

	server := &http.Server{Handler: routes(pages, newExam(students, rate)), ReadHeaderTimeout: 5 * time.Second}
	ended := make(chan error, 1)

	go func() { ended <- server.Serve(listener) }()

	address := struct {
		Base string `json:"base"`
	}{"http://" + listener.Addr().String() + base}
	if err := json.NewEncoder(os.Stdout).Encode(address); err != nil {
		return fmt.Errorf("print the address: %w", err)
	}

	_, _ = io.Copy(io.Discard, os.Stdin)

	if err := server.Close(); err != nil {
		return fmt.Errorf("close: %w", err)
	}

	if err := <-ended; !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve: %w", err)
	}

	return nil
}

func routes(pages string, e *exam) http.Handler {
	mux := http.NewServeMux()
	files := http.FileServer(http.Dir(pages))

	// The pages tell by their path what they are: the file server would redirect
	// from the file's name.
	mux.HandleFunc("GET "+base+"wall", func(w http.ResponseWriter, r *http.Request) {
		http.ServeFile(w, r, pages+"/wall.html")
	})
	mux.HandleFunc("GET "+base+"naive", func(w http.ResponseWriter, r *http.Request) {
		http.ServeFile(w, r, pages+"/naive.html")
	})
	mux.HandleFunc("GET "+base+"api/v1/wall", e.config)
	mux.HandleFunc("GET "+base+"api/v1/feed", e.feed)
	mux.Handle("GET "+base, http.StripPrefix(base, files))

	return mux
}
