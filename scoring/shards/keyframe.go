package shards

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"

	"github.com/invigil/invigil/internal/wire"
)

// maxKeyFrame bounds a picture that a pod makes: evidence takes no larger one.
const maxKeyFrame = 1 << 20

// KeyFrame is a picture of what a pod received of a student.
type KeyFrame struct {
	JPEG []byte
	// CapturedAt is when it arrived, on the pod's clock, in milliseconds since 1970.
	CapturedAt int64
}

// NoKeyFrameError is why a pod gave no picture.
type NoKeyFrameError struct {
	// Status of the answer, and its code; 0 and ShardUnreachable without one.
	Status int
	Code   wire.ErrorCode
	// Err is what went wrong on the way; nil if the pod answered.
	Err error
}

// Error implements error.
func (e *NoKeyFrameError) Error() string {
	if e.Err != nil {
		return fmt.Sprintf("no key frame (%s): %v", e.Code, e.Err)
	}

	return fmt.Sprintf("no key frame: status %d, %s", e.Status, e.Code)
}

// Unwrap serves errors.Is.
func (e *NoKeyFrameError) Unwrap() error { return e.Err }

func unreachable(err error) error {
	return &NoKeyFrameError{Code: wire.CodeShardUnreachable, Err: err}
}

// KeyFrame asks a pod for its last key frame of a student, of at most maxAgeMs (0
// to 60000). Where the pod has none it asks the student, for 3 s. Errors:
// *NoKeyFrameError, or that of Options.Token.
func (w *Watcher) KeyFrame(ctx context.Context, shard, student string, maxAgeMs int) (KeyFrame, error) {
	pod, ok := w.Lookup(shard)
	if !ok {
		return KeyFrame{}, unreachable(errors.New("there is no such pod"))
	}

	token, err := w.options.Token()
	if err != nil {
		return KeyFrame{}, err
	}

	target := pod.URL.JoinPath("internal", "v1", "streams", url.PathEscape(student), "keyframe")
	target.RawQuery = url.Values{"maxAgeMs": {strconv.Itoa(maxAgeMs)}}.Encode()

	request, err := http.NewRequestWithContext(ctx, http.MethodGet, target.String(), nil)
	if err != nil {
		return KeyFrame{}, unreachable(err)
	}

	request.Header.Set("Authorization", "Bearer "+token)

	response, err := w.options.Client.Do(request)
	if err != nil {
		return KeyFrame{}, unreachable(err)
	}
	defer response.Body.Close()

	body, err := io.ReadAll(io.LimitReader(response.Body, maxKeyFrame+1))
	if err != nil {
		return KeyFrame{}, unreachable(err)
	}

	return readKeyFrame(response, body)
}

func readKeyFrame(response *http.Response, body []byte) (KeyFrame, error) {
	if response.StatusCode != http.StatusOK {
		var said wire.Error
		if json.Unmarshal(body, &said) != nil || said.Code == "" {
			said.Code = wire.CodeInternal
		}

		return KeyFrame{}, &NoKeyFrameError{Status: response.StatusCode, Code: said.Code}
	}

	at, err := strconv.ParseInt(response.Header.Get("X-Invigil-Captured-At"), 10, 64)

	switch {
	case err != nil || at < 0:
		return KeyFrame{}, unreachable(errAnswer)
	case len(body) > maxKeyFrame:
		return KeyFrame{}, &NoKeyFrameError{Status: response.StatusCode, Code: wire.CodeTooLarge}
	case !bytes.HasPrefix(body, []byte("\xff\xd8\xff")):
		return KeyFrame{}, &NoKeyFrameError{Status: response.StatusCode, Code: wire.CodeNotJPEG}
	}

	return KeyFrame{JPEG: body, CapturedAt: at}, nil
}
