package scoring_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/invigil/invigil/internal/wire"
	"github.com/invigil/invigil/scoring/evidence/format"
)

func uploadPath(violation string, number int) string {
	return base + "api/v1/evidence?violation=" + violation + "&number=" + strconv.Itoa(number) + "&capturedAt=1700000000456"
}

func (b *bench) upload(token, violation string, number int, jpeg []byte) (answer, string) {
	b.t.Helper()

	return b.do("POST", uploadPath(violation, number), token, string(jpeg), "Content-Type", "image/jpeg")
}

func TestUploads(t *testing.T) {
	// However slow the disk is, an answer tells what was recorded.
	b := recorded(t, func(b *bench) { b.uploadWait = time.Minute })
	b.until("the bucket is open", func() bool { return b.sessions("").Evidence.Failing == "" })

	s, joined := b.sit("s1")

	s.report(1, "FocusLost")
	number := s.await("violation").Violation.Number

	response, body := b.upload(joined.Token, "FocusLost", number, photo(t, 1))

	var kept wire.KeptPicture
	if err := json.Unmarshal([]byte(body), &kept); err != nil || response.StatusCode != http.StatusCreated {
		t.Fatalf("%s %s", response.Status, body)
	}

	// It is there once it is answered.
	record := b.records("s1")["v-FocusLost-1/upload"]
	if record.Check == nil || *record.Check != (format.Check{Type: "upload", Result: "taken", Of: "v-FocusLost-1"}) ||
		len(record.Blobs) != 1 || record.Blobs[0] != (format.Blob{
		SHA256: kept.SHA256, Size: int64(kept.Size), Source: format.SourceClient, CapturedAt: 1700000000456,
	}) {
		t.Errorf("%+v %+v %+v", record.Check, record.Blobs, kept)
	}

	again := func(when string) {
		t.Helper()

		response, second := b.upload(joined.Token, "FocusLost", 1, photo(t, 1))
		if response.StatusCode != http.StatusOK || second != body {
			t.Errorf("%s, the same picture: %s %s", when, response.Status, second)
		}

		if response, body := b.upload(joined.Token, "FocusLost", 1, photo(t, 2)); response.StatusCode != http.StatusConflict ||
			code(body) != wire.CodePictureExists {
			t.Errorf("%s, another picture: %s %s", when, response.Status, body)
		}
	}
	again("at once")
	b.stop()
	b.start()
	b.until("the bucket is open", func() bool { return b.sessions("").Evidence.Failing == "" })
	again("after a restart")
	b.written()
	b.verified()
}

func TestUploadRefusals(t *testing.T) {
	b := recorded(t, nil)
	s, joined := b.sit("s1")

	s.report(1, "FocusLost", "MultipleFaces")
	s.await("ack")

	good := string(photo(t, 1))
	jpegType := []string{"Content-Type", "image/jpeg"}
	other := b.join("s2", "d").Token

	pngType := []string{"Content-Type", "image/png"}
	own, path := joined.Token, uploadPath("FocusLost", 1)

	const (
		noNumber    = base + "api/v1/evidence?violation=FocusLost&capturedAt=1"
		noTime      = base + "api/v1/evidence?violation=FocusLost&number=1"
		unsupported = wire.CodeUnsupportedMedia
	)

	tests := map[string]struct {
		token, path, body string
		headers           []string
		status            int
		code              wire.ErrorCode
	}{
		"no token":         {"", path, good, jpegType, 401, wire.CodeUnauthenticated},
		"a link":           {b.linkFor("s1"), path, good, jpegType, 401, wire.CodeUnauthenticated},
		"token first":      {"", path, strings.Repeat("x", 300<<10), nil, 401, wire.CodeUnauthenticated},
		"not a JPEG's":     {own, path, good, pngType, 415, unsupported},
		"no type":          {own, path, good, nil, 415, unsupported},
		"too large":        {own, path, strings.Repeat("x", 256<<10+1), jpegType, 413, wire.CodeTooLarge},
		"no number":        {own, noNumber, good, jpegType, 400, wire.CodeBadRequest},
		"no time":          {own, noTime, good, jpegType, 400, wire.CodeBadRequest},
		"unknown type":     {own, uploadPath("Whistling", 1), good, jpegType, 404, wire.CodeUnknownViolation},
		"not counted":      {own, uploadPath("FocusLost", 2), good, jpegType, 404, wire.CodeUnknownViolation},
		"number 0":         {own, uploadPath("FocusLost", 0), good, jpegType, 404, wire.CodeUnknownViolation},
		"another's":        {other, path, good, jpegType, 404, wire.CodeUnknownViolation},
		"no picture":       {own, path, "GIF89a", jpegType, 422, wire.CodeNotJPEG},
		"half a picture":   {own, path, good[:len(good)/2], jpegType, 422, wire.CodeUndecodable},
		"empty":            {own, path, "", jpegType, 422, wire.CodeNotJPEG},
		"larger than a TV": {own, path, string(wide(t)), jpegType, 422, wire.CodeBadDimensions},
	}

	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			response, body := b.do("POST", tc.path, tc.token, tc.body, tc.headers...)
			if response.StatusCode != tc.status || code(body) != tc.code {
				t.Errorf("%s %s, want %d %s", response.Status, body, tc.status, tc.code)
			}
		})

		b.pass(time.Second) // Nobody is over the rate.
	}

	if response, _ := b.do("GET", base+"api/v1/evidence", joined.Token, ""); response.StatusCode != http.StatusMethodNotAllowed ||
		response.Header.Get("Allow") != "POST" {
		t.Errorf("GET: %s", response.Status)
	}

	// A refusal takes nothing away.
	if response, body := b.upload(joined.Token, "FocusLost", 1, photo(t, 1)); response.StatusCode != http.StatusCreated {
		t.Errorf("%s %s", response.Status, body)
	}

	b.pass(2 * time.Minute)

	if response, body := b.upload(joined.Token, "MultipleFaces", 1, photo(t, 1)); response.StatusCode != http.StatusConflict ||
		code(body) != wire.CodeViolationTooOld {
		t.Errorf("too late: %s %s", response.Status, body)
	}

	for i := 0; ; i++ {
		response, body := b.upload(joined.Token, "MultipleFaces", 1, photo(t, 1))
		if response.StatusCode == http.StatusTooManyRequests {
			if code(body) != wire.CodeRateLimited || response.Header.Get("Retry-After") == "" {
				t.Errorf("%v %s", response.Header, body)
			}

			break
		}

		if i == 1000 {
			t.Fatal("1000 uploads, and no limit")
		}
	}
}

// A body that does not say how long it is is read up to the limit and no further.
func TestUploadWithoutLength(t *testing.T) {
	b := recorded(t, nil)
	s, joined := b.sit("s1")

	s.report(1, "FocusLost")
	s.await("ack")

	counted := &countingReader{}
	counted.left.Store(64 << 20)
	request, _ := http.NewRequestWithContext(t.Context(), http.MethodPost, b.public+uploadPath("FocusLost", 1), counted)
	request.Header.Set("Authorization", "Bearer "+joined.Token)
	request.Header.Set("Content-Type", "image/jpeg")

	response, err := b.client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()

	// What the kernel and the client have buffered was not read by the server.
	if response.StatusCode != http.StatusRequestEntityTooLarge || counted.left.Load() < 48<<20 {
		t.Errorf("%s, %d bytes are left", response.Status, counted.left.Load())
	}
}

type countingReader struct{ left atomic.Int64 }

func (r *countingReader) Read(p []byte) (int, error) {
	n := min(int64(len(p)), r.left.Load())
	if n == 0 {
		return 0, io.EOF
	}

	r.left.Add(-n)

	return int(n), nil
}

// wide is a picture of 64x48 pixels that says it has 4096x48.
func wide(t *testing.T) []byte {
	t.Helper()

	raw := photo(t, 1)
	at := bytes.Index(raw, []byte{0xff, 0xc0})
	raw[at+7], raw[at+8] = 0x10, 0x00

	return raw
}
