package public

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io"
	"io/fs"
	"mime"
	"net/http"
	"net/url"
	"path"
	"strconv"
	"strings"
	"time"

	"github.com/invigil/invigil/internal/httpapi"
	"github.com/invigil/invigil/internal/wire"
)

// page is the web client, held in memory: it comes out of the binary anyway.
type page struct {
	files map[string]file
}

type file struct {
	content     []byte
	contentType string
	etag        string
	// gzipped: content is compressed, as the build left it.
	gzipped bool
}

// gzipSuffix is on files that the build has compressed: they are served under
// their names without it.
const gzipSuffix = ".gz"

func newPage(tree fs.FS) (*page, error) {
	p := &page{files: map[string]file{}}

	err := fs.WalkDir(tree, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || strings.HasPrefix(path.Base(name), ".") {
			return err
		}

		content, err := fs.ReadFile(tree, name)
		if err != nil {
			return err
		}

		sum := sha256.Sum256(content)
		name, gzipped := strings.CutSuffix(name, gzipSuffix)
		p.files[name] = file{
			content:     content,
			contentType: contentType(name),
			etag:        `"` + base64.RawURLEncoding.EncodeToString(sum[:12]) + `"`,
			gzipped:     gzipped,
		}

		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read the web client: %w", err)
	}

	return p, nil
}

// contentType does not depend on the machine's own table for what the page
// cannot do without, and never guesses from the content.
func contentType(name string) string {
	switch extension := path.Ext(name); extension {
	case ".js", ".mjs":
		return "text/javascript; charset=utf-8"
	case ".wasm":
		return "application/wasm"
	case ".webmanifest":
		return "application/manifest+json"
	default:
		if known := mime.TypeByExtension(extension); known != "" {
			return known
		}

		return "application/octet-stream"
	}
}

// The pages of the build: the student's, and the one that is the invigilators'
// wall and review.
const (
	indexFile = "index.html"
	wallFile  = "wall.html"
)

// pageOf is the file of the page that a path below the base is; "" if it is none.
func pageOf(name string) string {
	switch name {
	case "", indexFile:
		return indexFile
	case "wall", "review", wallFile:
		return wallFile
	default:
		return ""
	}
}

// static answers with the pages at their paths and with their files. Other paths
// are errors: a missing script that is answered with HTML is hard to understand.
func (s *Server) static(w http.ResponseWriter, r *http.Request) {
	name := strings.TrimPrefix(r.URL.Path, "/")
	page := pageOf(name)

	if page != "" {
		name = page
	}

	found, ok := s.page.files[name]

	switch {
	case !ok && page != "":
		httpapi.WriteError(w, http.StatusNotFound, wire.CodeNotFound,
			"This build does not contain the page; build the web client first.")

		return
	case !ok:
		notFound(w, r)

		return
	}

	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		notAllowed("GET, HEAD")(w, r)

		return
	}

	header := w.Header()
	header.Set("Content-Type", found.contentType)
	header.Set("Cross-Origin-Resource-Policy", "same-origin")
	header.Set("Content-Security-Policy", pagePolicy(s.exam.Config().ContentURL))
	header.Set("Permissions-Policy", permissions)

	if page == wallFile {
		header.Set("Content-Security-Policy", wallPolicy())
		header.Set("Permissions-Policy", wallPermissions)
	}

	switch {
	case page != "":
		header.Set("Cache-Control", "no-store")
	case strings.HasPrefix(name, "assets/"):
		// The build puts a hash or a version into these names.
		header.Set("Cache-Control", "public, max-age=31536000, immutable")
	default:
		header.Set("Cache-Control", "no-cache")
	}

	if strings.Contains(path.Base(name), "worker") {
		header.Set("Content-Security-Policy", workerPolicy)
	}

	if found.gzipped {
		found.serveGzipped(w, r)

		return
	}

	if page == "" {
		header.Set("ETag", found.etag)
	}

	http.ServeContent(w, r, name, time.Time{}, bytes.NewReader(found.content))
}

// serveGzipped sends a compressed file as it is, to all who take it so: every
// browser does. Others get it unpacked, a little at a time.
func (f file) serveGzipped(w http.ResponseWriter, r *http.Request) {
	header := w.Header()
	header.Set("Vary", "Accept-Encoding")

	if acceptsGzip(r.Header.Get("Accept-Encoding")) {
		header.Set("Content-Encoding", "gzip")
		header.Set("ETag", f.etag)
		// A range would be one of compressed bytes, which nobody asks for.
		r.Header.Del("Range")
		header.Set("Content-Length", strconv.Itoa(len(f.content)))
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(f.content))

		return
	}

	plain, err := gzip.NewReader(bytes.NewReader(f.content))
	if err != nil {
		httpapi.WriteError(w, http.StatusInternalServerError, wire.CodeInternal, "A file of this build cannot be unpacked.")

		return
	}

	if r.Method == http.MethodHead {
		return
	}

	// An error here is a client that is gone: the header is out already.
	_, _ = io.Copy(w, plain) //nolint:gosec // it comes out of our own build
}

// acceptsGzip reads Accept-Encoding as browsers write it.
func acceptsGzip(accepted string) bool {
	for coding := range strings.SplitSeq(accepted, ",") {
		name, params, _ := strings.Cut(coding, ";")
		if strings.EqualFold(strings.TrimSpace(name), "gzip") {
			quality := strings.ReplaceAll(params, " ", "")

			return quality == "" || strings.Trim(strings.TrimPrefix(quality, "q="), "0.") != ""
		}
	}

	return false
}

// permissions: the page needs the camera and the full screen, and nothing else.
const permissions = "camera=(self), fullscreen=(self), microphone=(), geolocation=(), display-capture=(), " +
	"payment=(), usb=(), serial=(), midi=()"

// workerPolicy is for worker scripts, which have a policy of their own: the face
// model's WebAssembly glue makes functions from strings. A worker with this
// policy has no document and reaches no other origin.
const workerPolicy = "default-src 'self'; script-src 'self' 'unsafe-eval'; connect-src 'self'"

// pagePolicy is the Content-Security-Policy of the page. Only the exam's own
// content may be framed.
func pagePolicy(contentURL string) string {
	return strings.Join([]string{
		"default-src 'self'",
		"connect-src 'self'",
		"frame-src " + frameSource(contentURL),
		"img-src 'self' blob: data:",
		"media-src 'self' blob:",
		"object-src 'none'",
		"base-uri 'self'",
		"frame-ancestors 'none'",
		"form-action 'none'",
	}, "; ")
}

func frameSource(contentURL string) string {
	parsed, err := url.Parse(contentURL)
	if err != nil || parsed.Host == "" || (parsed.Scheme != "https" && parsed.Scheme != "http") ||
		strings.ContainsAny(parsed.Host, "; ,'\"*") {
		return "'none'"
	}

	return parsed.Scheme + "://" + parsed.Host
}
