package scoring_test

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/invigil/invigil/internal/wire"
)

// model is a face model as far as scoring knows one: any bytes.
type model struct {
	content []byte
	sum     string
}

func newModel(t *testing.T) model {
	t.Helper()

	content := make([]byte, 2500)
	if _, err := rand.Read(content); err != nil {
		t.Fatal(err)
	}

	sum := sha256.Sum256(content)

	return model{content, hex.EncodeToString(sum[:])}
}

func (m model) path() string { return "models/" + m.sum + "/face_landmarker.task" }

// put writes the parts of content, of 1,000 bytes, that have these numbers.
func put(t *testing.T, folder string, content []byte, parts ...int) {
	t.Helper()

	for _, part := range parts {
		data := content[part*1000 : min((part+1)*1000, len(content))]
		if err := os.WriteFile(filepath.Join(folder, strconv.Itoa(part)), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func (b *bench) modelMissing() float64 {
	b.t.Helper()

	families, err := b.registry.Gather()
	if err != nil {
		b.t.Fatal(err)
	}

	for _, family := range families {
		if family.GetName() == "invigil_scoring_face_model_missing" {
			return family.GetMetric()[0].GetGauge().GetValue()
		}
	}

	b.t.Fatal("no such metric")

	return 0
}

func TestFaceModel(t *testing.T) {
	b := prepare(t, 1)
	b.redis.Restart()
	b.faceModel = t.TempDir()
	first := newModel(t)
	b.config.FaceModel = &wire.FaceModel{SHA256: first.sum}
	put(t, b.faceModel, first.content, 0, 1)
	b.start()

	if got := b.join("s1", "d").Policy.FaceModel; got != "" || b.modelMissing() != 1 {
		t.Errorf("without its last part it is offered as %q, missing %v", got, b.modelMissing())
	}

	put(t, b.faceModel, first.content, 2)
	b.until("it is offered", func() bool { return b.join("s1", "d").Policy.FaceModel == first.path() })

	if got := b.notice("s1").Policy.FaceModel; got != first.path() || b.modelMissing() != 0 {
		t.Errorf("the notice has %q, missing %v", got, b.modelMissing())
	}

	response, body := b.do("GET", base+first.path(), "", "")
	if response.StatusCode != http.StatusOK || !bytes.Equal([]byte(body), first.content) ||
		response.Header.Get("Content-Type") != "application/octet-stream" ||
		!strings.HasSuffix(response.Header.Get("Cache-Control"), "immutable") {
		t.Errorf("%s, %d bytes, %v", response.Status, len(body), response.Header)
	}

	again, body := b.do("GET", base+first.path(), "", "", "If-None-Match", response.Header.Get("ETag"))
	if again.StatusCode != http.StatusNotModified || body != "" {
		t.Errorf("asked again: %s, %d bytes", again.Status, len(body))
	}

	if posted, body := b.do("POST", base+first.path(), "", ""); posted.StatusCode != http.StatusMethodNotAllowed {
		t.Errorf("POST: %s %s", posted.Status, body)
	}

	// The volume may go, and what is served stays.
	if err := os.RemoveAll(b.faceModel); err != nil {
		t.Fatal(err)
	}

	if still, body := b.do("GET", base+first.path(), "", ""); still.StatusCode != http.StatusOK {
		t.Errorf("%s %s", still.Status, body)
	}
}

func TestAnotherFaceModelThanTheExamNames(t *testing.T) {
	b := prepare(t, 1)
	b.redis.Restart()
	b.faceModel = filepath.Join(t.TempDir(), "face_landmarker.task")
	named, there := newModel(t), newModel(t)
	b.config.FaceModel = &wire.FaceModel{SHA256: named.sum}

	if err := os.WriteFile(b.faceModel, there.content, 0o600); err != nil {
		t.Fatal(err)
	}

	b.start()

	for _, path := range []string{named.path(), there.path()} {
		if response, body := b.do("GET", base+path, "", ""); response.StatusCode != http.StatusNotFound {
			t.Errorf("%s: %s %s", path, response.Status, body)
		}
	}

	if got := b.join("s1", "d").Policy.FaceModel; got != "" || b.modelMissing() != 1 {
		t.Errorf("offered as %q, missing %v", got, b.modelMissing())
	}

	// Named after all, it is served without a restart; not named any more, it is not.
	b.config.FaceModel.SHA256 = there.sum
	b.write("exam.json", b.config)
	b.until("it is offered", func() bool { return b.join("s1", "d").Policy.FaceModel == there.path() })

	b.config.FaceModel = nil
	b.write("exam.json", b.config)
	b.until("it is offered no more", func() bool { return b.join("s1", "d").Policy.FaceModel == "" })

	if response, _ := b.do("GET", base+there.path(), "", ""); response.StatusCode != http.StatusNotFound {
		t.Errorf("it is still there: %s", response.Status)
	}
}

func TestThresholds(t *testing.T) {
	b := prepare(t, 1)
	b.redis.Restart()
	b.config.Policy.Thresholds = map[string]float64{"yawEnter": 30, "blurEnter": 0.01}
	b.config.Students[1].Accommodations = map[string]wire.Accommodation{"FocusLost": {Disabled: true}}
	b.start()

	for _, student := range []string{"s1", "s2"} {
		joined, notice := b.join(student, "d").Policy.Thresholds, b.notice(student).Policy.Thresholds
		if joined["yawEnter"] != 30 || joined["blurEnter"] != 0.01 || len(joined) != 2 || notice["yawEnter"] != 30 {
			t.Errorf("%s: %v in the join, %v in the notice", student, joined, notice)
		}
	}
}
