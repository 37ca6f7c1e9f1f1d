package app

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
	"sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"

	"github.com/invigil/invigil/internal/wire"
)

// answerTimeout bounds how long one answer of an exam may take.
const answerTimeout = 30 * time.Second

// invigilate reaches the exam's scoring pod through the API server, as somebody
// who may watch and act, for as long as do takes.
func (o *Options) invigilate(
	ctx context.Context, exam types.NamespacedName, do func(context.Context, *invigilation) error,
) error {
	reader, err := o.connect()
	if err != nil {
		return err
	}

	token, _, err := mintToken(ctx, reader, exam, minToken)
	if err != nil {
		return err
	}

	forwarder, err := o.forwarder()
	if err != nil {
		return err
	}

	return reach(ctx, cluster{client: reader}, forwarder, exam, scoringPort, func(ctx context.Context, origin *url.URL) error {
		transport := &http.Transport{}
		defer transport.CloseIdleConnections()

		return do(ctx, &invigilation{
			base:   origin.JoinPath("x", exam.Namespace, exam.Name),
			token:  token,
			client: &http.Client{Transport: transport, Timeout: answerTimeout},
		})
	})
}

// noPodError: the exam has no ready scoring pod.
type noPodError struct{ exam types.NamespacedName }

// Error implements error.
func (e *noPodError) Error() string {
	return fmt.Sprintf("exam %q has no ready scoring pod; kubectl exam doctor %s -n %s says why",
		e.exam.Name, e.exam.Name, e.exam.Namespace)
}

// reach forwards a free port of this machine to podPort of the exam's newest ready
// scoring pod for as long as do takes.
func reach(
	ctx context.Context, c cluster, forwarder Forwarder, exam types.NamespacedName, podPort int,
	do func(ctx context.Context, origin *url.URL) error,
) error {
	pods, err := c.scoringPods(ctx, exam)
	if err != nil {
		return err
	}

	if len(pods) == 0 {
		return &noPodError{exam}
	}

	port, err := freePort(ctx, 0)
	if err != nil {
		return err
	}

	ctx, cancel := context.WithCancel(ctx)

	var forwarding sync.WaitGroup

	defer forwarding.Wait()
	defer cancel()

	listening, ended := make(chan struct{}), make(chan error, 1)
	pod := types.NamespacedName{Namespace: pods[0].Namespace, Name: pods[0].Name}

	forwarding.Go(func() { ended <- forwarder.Forward(ctx, pod, port, podPort, func() { close(listening) }) })

	select {
	case err := <-ended:
		if apierrors.IsForbidden(err) || apierrors.IsUnauthorized(err) {
			return explain(err, "create", podsResource+"/portforward", exam.Namespace)
		}

		return fmt.Errorf("reach pod %s: %w", pod.Name, errors.Join(err, ctx.Err()))
	case <-listening:
		return do(ctx, &url.URL{Scheme: "http", Host: "127.0.0.1:" + strconv.Itoa(port)})
	}
}

// invigilation speaks to an exam as an invigilator.
type invigilation struct {
	// base is the exam's address, token what admits.
	base   *url.URL
	token  string
	client *http.Client
}

// refusal is an answer of the exam that is no success.
type refusal struct {
	body   wire.Error
	status int
	// retryAfter is how many seconds to wait, as the exam says; "" if it does not.
	retryAfter string
}

// Error implements error.
func (r *refusal) Error() string {
	text := fmt.Sprintf("the exam answers %d", r.status)
	if r.body.Code != "" {
		text += fmt.Sprintf(" %s: %s", clean(string(r.body.Code)), clean(r.body.Message))
	}

	if r.retryAfter != "" {
		text += fmt.Sprintf(" Try again in %s s.", clean(r.retryAfter))
	}

	return text
}

// call asks for a page below api/v1 and returns its body, of at most limit bytes.
// Errors: *refusal, or that there is no answer. Body nil: there is none.
func (i *invigilation) call(ctx context.Context, method string, page *url.URL, body any, limit int64) ([]byte, error) {
	var sent io.Reader

	if body != nil {
		data, err := json.Marshal(body)
		if err != nil {
			return nil, fmt.Errorf("encode: %w", err)
		}

		sent = bytes.NewReader(data)
	}

	address := i.base.JoinPath("api", "v1", page.EscapedPath())
	address.RawQuery = page.RawQuery

	request, err := http.NewRequestWithContext(ctx, method, address.String(), sent)
	if err != nil {
		return nil, err
	}

	request.Header.Set("Authorization", "Bearer "+i.token)

	response, err := i.client.Do(request)
	if err != nil {
		return nil, fmt.Errorf("no answer of the exam: %w", err)
	}
	defer response.Body.Close()

	answer, err := io.ReadAll(io.LimitReader(response.Body, limit+1))

	switch {
	case response.StatusCode != http.StatusOK:
		refused := &refusal{status: response.StatusCode, retryAfter: response.Header.Get("Retry-After")}
		// What is not an error of ours says nothing but its status.
		_ = json.Unmarshal(answer, &refused.body)

		return nil, refused
	case err != nil:
		return nil, fmt.Errorf("read the exam's answer: %w", err)
	case int64(len(answer)) > limit:
		return nil, fmt.Errorf("the exam's answer has more than %d bytes", limit)
	default:
		return answer, nil
	}
}

// maxAnswer bounds JSON answers: a page of a record has 1,000 entries.
const maxAnswer = 16 << 20

// json asks for a page and decodes its answer.
func (i *invigilation) json(ctx context.Context, method string, page *url.URL, body, into any) error {
	answer, err := i.call(ctx, method, page, body, maxAnswer)
	if err != nil {
		return err
	}

	if err := json.Unmarshal(answer, into); err != nil {
		return fmt.Errorf("the exam's answer cannot be read: %w", err)
	}

	return nil
}

// sessionPage is a page of one student.
func sessionPage(student, page string) *url.URL {
	return (&url.URL{Path: "sessions"}).JoinPath(url.PathEscape(student), page)
}
