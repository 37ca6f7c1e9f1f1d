// Probe is the program that the local cluster's end-to-end test runs in pods:
// it answers on TCP and UDP and does on request what pods do.
package main

import (
	"context"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"strings"
	"time"
)

func main() {
	if len(os.Args) > 1 { // for exec
		fmt.Println(strings.Join(os.Args[1:], " "))
		return
	}
	name, err := os.Hostname()
	if err != nil {
		log.Fatal(err)
	}
	log.Printf("probe %s starts as user %d", name, os.Getuid())
	go echo(context.Background(), name)
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		host, _, _ := net.SplitHostPort(r.RemoteAddr)
		answer(w, name+" "+host, nil)
	})
	http.HandleFunc("/lookup", func(w http.ResponseWriter, r *http.Request) {
		addresses, err := net.DefaultResolver.LookupHost(r.Context(), r.FormValue("name"))
		answer(w, strings.Join(addresses, " "), err)
	})
	http.HandleFunc("/fetch", func(w http.ResponseWriter, r *http.Request) {
		text, err := fetch(r.Context(), r.FormValue("url"))
		answer(w, text, err)
	})
	http.HandleFunc("/dial", func(w http.ResponseWriter, r *http.Request) {
		dialer := net.Dialer{Timeout: 3 * time.Second}
		connection, err := dialer.DialContext(r.Context(), "tcp", r.FormValue("address"))
		if err == nil {
			_ = connection.Close()
		}
		answer(w, "connected", err)
	})
	http.HandleFunc("/write", func(w http.ResponseWriter, r *http.Request) {
		answer(w, "written", os.WriteFile("/data/file", []byte(r.FormValue("text")), 0o600))
	})
	http.HandleFunc("/read", func(w http.ResponseWriter, _ *http.Request) {
		content, err := os.ReadFile("/data/file")
		answer(w, string(content), err)
	})
	log.Fatal(http.ListenAndServe(":8080", nil))
}

func answer(w http.ResponseWriter, text string, err error) {
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	_, _ = io.WriteString(w, text)
}

func fetch(ctx context.Context, url string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return "", err
	}
	// A connection of its own each time, so that services can choose anew.
	request.Close = true
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return "", err
	}
	defer func() { _ = response.Body.Close() }()
	content, err := io.ReadAll(response.Body)
	return string(content), err
}

// echo answers every UDP packet with the pod's name and the packet.
func echo(ctx context.Context, name string) {
	socket, err := (&net.ListenConfig{}).ListenPacket(ctx, "udp", ":31099")
	if err != nil {
		log.Fatal(err)
	}
	buffer := make([]byte, 1500)
	for {
		n, from, err := socket.ReadFrom(buffer)
		if err != nil {
			log.Fatal(err)
		}
		_, _ = socket.WriteTo([]byte(name+" "+string(buffer[:n])), from)
	}
}
