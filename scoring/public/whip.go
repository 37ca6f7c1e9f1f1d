package public

import (
	"context"
	"fmt"
	"mime"
	"net/http"
	"net/http/httputil"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"sync"

	"go.uber.org/zap"

	"github.com/invigil/invigil/internal/httpapi"
	"github.com/invigil/invigil/internal/wire"
	"github.com/invigil/invigil/scoring/exam"
	"github.com/invigil/invigil/scoring/metrics"
	"github.com/invigil/invigil/scoring/shards"
)

// maxSDP bounds an offer or a fragment.
const maxSDP = 64 << 10

// The media types of WHIP (RFC 9725).
const (
	typeSDP      = "application/sdp"
	typeFragment = "application/trickle-ice-sdpfrag"
)

// whip passes WHIP on to the SFU pods. A browser never speaks to a pod itself:
// the pod sees a grant for one pod and one minute, and the browser sees one
// origin.
type whip struct {
	exam    *exam.Exam
	log     *zap.Logger
	metrics *metrics.Set
	base    string
	proxy   *httputil.ReverseProxy

	mu sync.Mutex
	// owners is whose a media session is, while this process has seen it begin.
	owners map[shards.Resource]exam.Caller
}

// target is where one request goes. It is in the request's context.
type target struct {
	caller exam.Caller
	// pods are tried in order; which one took the request is in taken.
	pods  []shards.Shard
	path  string
	body  []byte
	taken string
}

type targetKey struct{}

func newWhip(e *exam.Exam, transport http.RoundTripper, log *zap.Logger, set *metrics.Set, base string) *whip {
	h := &whip{exam: e, log: log, metrics: set, base: base, owners: map[shards.Resource]exam.Caller{}}
	h.proxy = &httputil.ReverseProxy{
		Rewrite:        func(*httputil.ProxyRequest) {}, // tryPods makes the request whole
		Transport:      &tryPods{exam: e, next: transport, log: log},
		ModifyResponse: h.rewrite,
		ErrorHandler:   h.unreachable,
		ErrorLog:       zap.NewStdLog(log),
	}

	return h
}

func (h *whip) options(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Accept-Post", typeSDP)
	w.WriteHeader(http.StatusNoContent)
}

func (h *whip) publish(w http.ResponseWriter, r *http.Request) {
	caller, ok := h.enter(w, r, typeSDP)
	if !ok {
		return
	}

	pods := h.exam.Candidates(caller)
	if len(pods) == 0 {
		w.Header().Set("Retry-After", "2")
		httpapi.WriteError(w, http.StatusServiceUnavailable, wire.CodeNoShardAvailable, "No SFU pod is ready.")

		return
	}

	h.pass(w, r, &target{caller: caller, pods: pods[:min(len(pods), maxPods)], path: "/whip"})
}

func (h *whip) patch(w http.ResponseWriter, r *http.Request) { h.resource(w, r, typeFragment) }

func (h *whip) delete(w http.ResponseWriter, r *http.Request) { h.resource(w, r, "") }

// resource passes on a request for one media session, which must be the caller's.
// One that is somebody else's is answered like one that does not exist.
func (h *whip) resource(w http.ResponseWriter, r *http.Request, mediaType string) {
	caller, ok := h.enter(w, r, mediaType)
	if !ok {
		return
	}

	resource := shards.Resource{Shard: r.PathValue("shard"), ID: r.PathValue("id")}
	pod, known := h.exam.Shard(resource.Shard)

	if !known || !mediaID.MatchString(resource.ID) || !h.owns(caller, resource) {
		notFound(w, r)

		return
	}

	h.pass(w, r, &target{caller: caller, pods: []shards.Shard{pod}, path: "/whip/" + resource.ID})
}

// enter checks who asks and what they send.
func (h *whip) enter(w http.ResponseWriter, r *http.Request, mediaType string) (exam.Caller, bool) {
	caller, err := h.exam.Authorize(r.Context(), httpapi.Bearer(r))
	if err == nil {
		err = h.exam.LimitRequest(caller)
	}

	if err != nil {
		writeRefusal(w, err)

		return caller, false
	}

	if mediaType == "" {
		return caller, true
	}

	if got, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || got != mediaType {
		httpapi.WriteError(w, http.StatusUnsupportedMediaType, wire.CodeUnsupportedMedia, "Content-Type must be "+mediaType+".")

		return caller, false
	}

	return caller, true
}

// pass reads the body, since it may have to be sent to a second pod, and proxies.
func (h *whip) pass(w http.ResponseWriter, r *http.Request, to *target) {
	body, err := httpapi.ReadBody(w, r, maxSDP)
	if err != nil {
		httpapi.WriteBodyError(w, err)

		return
	}

	to.body = body
	r = r.WithContext(context.WithValue(r.Context(), targetKey{}, to))
	r.Body, r.ContentLength = http.NoBody, 0 // It is read, and goes with the target.

	counted := &statusWriter{ResponseWriter: w}
	h.proxy.ServeHTTP(counted, r)
	h.metrics.Whip.WithLabelValues(r.Method, strconv.Itoa(counted.status)).Inc()
}

// mediaID is what a pod may call a media session: one path segment.
var mediaID = regexp.MustCompile(`^[A-Za-z0-9_-]{1,128}$`)

// answerError: a pod's answer cannot be passed on.
type answerError struct{ what string }

func (e *answerError) Error() string { return e.what }

// rewrite makes a pod's answer one of this origin.
func (h *whip) rewrite(response *http.Response) error {
	to, _ := response.Request.Context().Value(targetKey{}).(*target)

	response.Header.Del("Set-Cookie")
	response.Header.Set("Cache-Control", "no-store")

	for _, name := range []string{"X-Content-Type-Options", "Referrer-Policy", "Server"} {
		response.Header.Del(name) // Ours are set already.
	}

	switch {
	case response.StatusCode == http.StatusUnauthorized || response.StatusCode == http.StatusForbidden:
		// The student's token is good; it is our grant that the pod refuses.
		return &answerError{fmt.Sprintf("pod refused the grant: %s", response.Status)}
	case response.Request.Method == http.MethodPost && response.StatusCode == http.StatusCreated:
		return h.created(response, to)
	case response.Request.Method == http.MethodDelete && response.StatusCode < http.StatusMultipleChoices:
		h.forget(shards.Resource{Shard: to.taken, ID: strings.TrimPrefix(to.path, "/whip/")})
	}

	return nil
}

func (h *whip) created(response *http.Response, to *target) error {
	location, err := response.Request.URL.Parse(response.Header.Get("Location"))
	if err != nil {
		return &answerError{"pod gave no location"}
	}

	_, id, found := strings.Cut(location.Path, "/whip/")
	if !found || !mediaID.MatchString(id) {
		return &answerError{"pod gave no usable location"}
	}

	// RFC 9725, section 4.6: for clients that have not read the join answer.
	httpapi.LinkIceServers(response.Header, h.exam.CallersIceServers(to.caller))
	response.Header.Set("Location", h.base+"api/v1/whip/"+url.PathEscape(to.taken)+"/"+id)
	h.own(to.caller, shards.Resource{Shard: to.taken, ID: id})
	h.exam.Assigned(to.caller, to.taken)
	h.log.Info("media session begins", zap.String("student", to.caller.Student), zap.String("sid", to.caller.SID),
		zap.String("shard", to.taken), zap.String("media", id))

	return nil
}

func (h *whip) unreachable(w http.ResponseWriter, r *http.Request, err error) {
	if r.Context().Err() == nil {
		h.log.Warn("WHIP request failed", zap.Error(err))
	}

	httpapi.WriteError(w, http.StatusBadGateway, wire.CodeShardUnreachable, "The SFU pod did not answer. Try again.")
}

// own notes a new media session. A student's older ones on that pod are taken
// over by it, so one per student and pod is kept and the map stays small.
func (h *whip) own(caller exam.Caller, resource shards.Resource) {
	h.mu.Lock()
	defer h.mu.Unlock()

	for other, owner := range h.owners {
		if owner.Student == caller.Student && other.Shard == resource.Shard {
			delete(h.owners, other)
		}
	}

	h.owners[resource] = caller
}

func (h *whip) forget(resource shards.Resource) {
	h.mu.Lock()
	defer h.mu.Unlock()

	delete(h.owners, resource)
}

func (h *whip) owns(caller exam.Caller, resource shards.Resource) bool {
	h.mu.Lock()
	owner, known := h.owners[resource]
	h.mu.Unlock()

	if known {
		return owner == caller
	}

	return h.exam.Publishes(caller, resource)
}

// statusWriter remembers the status.
type statusWriter struct {
	http.ResponseWriter

	status int
}

// WriteHeader implements http.ResponseWriter.
func (w *statusWriter) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}

// Unwrap serves http.ResponseController.
func (w *statusWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }
