package public

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/fstest"
)

const plainText = "\x00asm and more"

func compressed(t *testing.T) []byte {
	t.Helper()

	var packed bytes.Buffer

	writer := gzip.NewWriter(&packed)
	if _, err := writer.Write([]byte(plainText)); err != nil {
		t.Fatal(err)
	}

	if err := writer.Close(); err != nil {
		t.Fatal(err)
	}

	return packed.Bytes()
}

func TestCompressedFiles(t *testing.T) {
	packed := compressed(t)

	page, err := newPage(fstest.MapFS{"assets/model-1/model.wasm.gz": {Data: packed}})
	if err != nil {
		t.Fatal(err)
	}

	found, ok := page.files["assets/model-1/model.wasm"]
	if !ok || found.contentType != "application/wasm" {
		t.Fatalf("known as %v", page.files)
	}

	get := func(method string, headers map[string]string) *httptest.ResponseRecorder {
		request := httptest.NewRequestWithContext(t.Context(), method, "/assets/model-1/model.wasm", http.NoBody)
		for name, value := range headers {
			request.Header.Set(name, value)
		}

		answer := httptest.NewRecorder()
		answer.Header().Set("Content-Type", found.contentType)
		found.serveGzipped(answer, request)

		return answer
	}

	t.Run("a browser gets it as it is", func(t *testing.T) {
		answer := get(http.MethodGet, map[string]string{"Accept-Encoding": "gzip, deflate, br", "Range": "bytes=0-3"})
		if !bytes.Equal(answer.Body.Bytes(), packed) || answer.Header().Get("Content-Encoding") != "gzip" {
			t.Errorf("%d bytes, %v", answer.Body.Len(), answer.Header())
		}

		again := get(http.MethodGet, map[string]string{"Accept-Encoding": "gzip", "If-None-Match": answer.Header().Get("ETag")})
		if again.Code != http.StatusNotModified || again.Body.Len() != 0 {
			t.Errorf("asked again: %d, %d bytes", again.Code, again.Body.Len())
		}
	})

	t.Run("others get it unpacked", func(t *testing.T) {
		answer := get(http.MethodGet, nil)

		body, err := io.ReadAll(answer.Body)
		if err != nil || string(body) != plainText || answer.Header().Get("Content-Encoding") != "" {
			t.Errorf("%q, %v, %v", body, answer.Header(), err)
		}

		if head := get(http.MethodHead, nil); head.Body.Len() != 0 {
			t.Errorf("HEAD has a body of %d", head.Body.Len())
		}
	})
}

func TestAcceptsGzip(t *testing.T) {
	for accepted, want := range map[string]bool{
		"": false, "gzip": true, "GZIP": true, "deflate, gzip;q=0.5": true, "gzip;q=0": false, "gzip; q=0.000": false,
		"br": false, "gzipped": false, "gzip;q=1.0": true,
	} {
		if got := acceptsGzip(accepted); got != want {
			t.Errorf("%q: %v", accepted, got)
		}
	}
}
