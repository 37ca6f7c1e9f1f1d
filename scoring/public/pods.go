package public

import (
	"bytes"
	"errors"
	"net/http"

	"go.uber.org/zap"

	"github.com/invigil/invigil/internal/tracing"
	"github.com/invigil/invigil/scoring/exam"
	"github.com/invigil/invigil/scoring/shards"
)

// maxPods bounds how many pods one offer is sent to: the assigned one, a spare,
// and one more.
const maxPods = 3

// errNoTarget: a request without target is a bug here.
var errNoTarget = errors.New("request has no pod to go to")

// tryPods sends a request to its target's pods, in order, until one takes it. A
// pod that cannot be reached or is full leaves the student to the next: hashing
// spreads students evenly only on average.
type tryPods struct {
	exam *exam.Exam
	next http.RoundTripper
	log  *zap.Logger
}

// RoundTrip implements http.RoundTripper.
func (t *tryPods) RoundTrip(request *http.Request) (*http.Response, error) {
	to, _ := request.Context().Value(targetKey{}).(*target)
	if to == nil || len(to.pods) == 0 {
		return nil, errNoTarget
	}

	for i, pod := range to.pods {
		response, err := t.send(request, to, pod)

		switch last := i == len(to.pods)-1; {
		case err == nil && (last || response.StatusCode != http.StatusServiceUnavailable):
			to.taken = pod.Name

			return response, nil
		case err != nil && (last || request.Context().Err() != nil):
			return nil, err
		case err == nil:
			response.Body.Close()
		}

		t.log.Info("shard does not take the offer, trying the next", zap.String("student", to.caller.Student),
			zap.String("shard", pod.Name), zap.Error(err))
	}

	return nil, errNoTarget
}

// send makes a request from nothing: what the browser sent beyond these headers
// is not for the pod.
func (t *tryPods) send(from *http.Request, to *target, pod shards.Shard) (*http.Response, error) {
	grant, err := t.exam.Grant(to.caller, pod.Name)
	if err != nil {
		return nil, err
	}

	request, err := http.NewRequestWithContext(from.Context(), from.Method, pod.URL.JoinPath(to.path).String(),
		bytes.NewReader(to.body))
	if err != nil {
		return nil, err
	}

	for _, name := range []string{"Content-Type", "If-Match", "Accept"} {
		if value := from.Header.Get(name); value != "" {
			request.Header.Set(name, value)
		}
	}

	request.Header.Set("Authorization", "Bearer "+grant)

	tracing.Inject(from.Context(), request.Header)

	return t.next.RoundTrip(request)
}
