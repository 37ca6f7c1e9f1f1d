// Package facemodel holds the exam's model for the page's second engine: read from
// where its parts are mounted, compared with the checksum that the exam names, and
// served from memory. An exam without it is one with the page's other engine, so
// nothing here stops anything.
package facemodel

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"github.com/invigil/invigil/internal/wire"
)

const (
	// interval is how often a model that is not there is looked for.
	interval = 2 * time.Second
	// maxParts and maxSize bound what is read.
	maxParts = 16
	maxSize  = 32 << 20
)

// Holder holds the model.
type Holder struct {
	path string
	log  *zap.Logger
	// missing is 1 while a model is asked for and not there.
	missing prometheus.Gauge

	mu      sync.Mutex
	want    string
	content []byte
	// problem is why there is none, as it was logged last.
	problem string
}

// New returns a holder of what is at path: the file, or a folder with its parts
// 0, 1 and so on; "": nowhere.
func New(path string, log *zap.Logger, missing prometheus.Gauge) *Holder {
	return &Holder{path: path, log: log, missing: missing}
}

// Configure says which model is wanted; nil: none. Another one than before is no
// longer served from now on.
func (h *Holder) Configure(model *wire.FaceModel) {
	want := ""
	if model != nil {
		want = model.SHA256
	}

	h.mu.Lock()

	if h.want == want {
		h.mu.Unlock()

		return
	}

	h.want, h.content, h.problem = want, nil, ""
	h.missing.Set(0)
	h.mu.Unlock()

	h.look()
}

// Run looks for the model until ctx ends.
func (h *Holder) Run(ctx context.Context) {
	ticker := time.NewTicker(interval)
	defer ticker.Stop()

	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			h.look()
		}
	}
}

// Served is the checksum of the model that can be had now; "": none.
func (h *Holder) Served() string {
	h.mu.Lock()
	defer h.mu.Unlock()

	if h.content == nil {
		return ""
	}

	return h.want
}

// Content is the model with that checksum.
func (h *Holder) Content(sum string) ([]byte, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()

	if h.content == nil || sum != h.want {
		return nil, false
	}

	return h.content, true
}

// look reads the model unless it is there, or not asked for.
func (h *Holder) look() {
	h.mu.Lock()
	want, done := h.want, h.content != nil
	h.mu.Unlock()

	if want == "" || done {
		return
	}

	content, err := read(h.path)
	if err == nil {
		if sum := sha256.Sum256(content); hex.EncodeToString(sum[:]) != want {
			err = fmt.Errorf("%w: %d bytes with SHA-256 %x, not %s", errOther, len(content), sum, want)
		}
	}

	h.mu.Lock()
	defer h.mu.Unlock()

	switch {
	case h.want != want:
		return // Another one is asked for since a moment ago.
	case err == nil:
		h.content, h.problem = content, ""
		h.missing.Set(0)
		h.log.Info("face model is served", zap.String("sha256", want), zap.Int("bytes", len(content)))
	default:
		h.missing.Set(1)

		if h.problem != err.Error() {
			h.problem = err.Error()
			h.log.Warn("face model is not served; pages use their other engine", zap.Error(err))
		}
	}
}

var (
	errOther   = errors.New("it is another file than the exam names")
	errNowhere = errors.New("scoring was started without a place for it")
	errNoParts = errors.New("no part of it is there")
	errTooBig  = fmt.Errorf("it has more than %d bytes", maxSize)
)

// read reads the file at path, or puts it together from its parts.
func read(path string) ([]byte, error) {
	if path == "" {
		return nil, errNowhere
	}

	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("find it: %w", err)
	}

	if !info.IsDir() {
		return readUpTo(path, maxSize)
	}

	var whole bytes.Buffer

	for part := range maxParts {
		data, err := readUpTo(filepath.Join(path, strconv.Itoa(part)), maxSize-whole.Len())
		if errors.Is(err, fs.ErrNotExist) {
			break
		}

		if err != nil {
			return nil, err
		}

		whole.Write(data)
	}

	if whole.Len() == 0 {
		return nil, errNoParts
	}

	return whole.Bytes(), nil
}

func readUpTo(path string, limit int) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("find it: %w", err)
	}

	if info.Size() > int64(limit) {
		return nil, errTooBig
	}

	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read it: %w", err)
	}

	return data, nil
}
