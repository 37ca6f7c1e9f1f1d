package api

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestClient(t *testing.T) {
	var patched string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.Method + " " + r.URL.Path {
		case "GET /node":
			_, _ = w.Write([]byte(`{"status":{"conditions":[{"type":"Ready","status":"True"}]}}`))
		case "PATCH /node":
			patched = r.Header.Get("Content-Type")
		case "GET /broken":
			http.Error(w, "out of order", http.StatusInternalServerError)
		default:
			http.NotFound(w, r)
		}
	}))
	defer server.Close()
	client := &Client{server: server.URL, http: server.Client()}

	var node Node
	if err := client.Get(t.Context(), "/node", &node); err != nil {
		t.Fatal(err)
	}
	if ready, why := node.Ready(); !ready {
		t.Errorf("not ready: %s", why)
	}
	if err := client.Patch(t.Context(), "/node", map[string]string{}); err != nil || patched != "application/merge-patch+json" {
		t.Errorf("patch: %v, %q", err, patched)
	}
	if err := client.Get(t.Context(), "/absent", nil); !errors.Is(err, ErrNotFound) {
		t.Errorf("got %v, want %v", err, ErrNotFound)
	}
	if err := client.Delete(t.Context(), "/absent"); err != nil {
		t.Errorf("delete of an absent object: %v", err)
	}
	if err := client.Get(t.Context(), "/broken", nil); err == nil || !strings.Contains(err.Error(), "out of order") {
		t.Errorf("got %v", err)
	}
}

func TestDeploymentAvailable(t *testing.T) {
	for text, want := range map[string]bool{
		`{}`: true,
		`{"metadata":{"generation":2},"status":{"observedGeneration":1}}`:                                             false,
		`{"spec":{"replicas":1},"status":{"updatedReplicas":1}}`:                                                      false,
		`{"spec":{"replicas":1},"status":{"updatedReplicas":1,"availableReplicas":1}}`:                                true,
		`{"spec":{"replicas":1},"status":{"availableReplicas":1}}`:                                                    false,
		`{"metadata":{"generation":2},"spec":{"replicas":0},"status":{"observedGeneration":2,"availableReplicas":0}}`: true,
	} {
		var deployment Deployment
		if err := json.Unmarshal([]byte(text), &deployment); err != nil {
			t.Fatal(err)
		}
		if got := deployment.Available(); got != want {
			t.Errorf("%s: %v", text, got)
		}
	}
}
