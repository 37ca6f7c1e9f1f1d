package main

import (
	"net/http"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/invigil/invigil/internal/wire"
)

// with merges refusals; all of one status are told together.
func with(groups ...map[int][]wire.ErrorCode) map[int][]wire.ErrorCode {
	merged := map[int][]wire.ErrorCode{}

	for _, group := range groups {
		for status, codes := range group {
			merged[status] = append(merged[status], codes...)
		}
	}

	return merged
}

type refusals = map[int][]wire.ErrorCode

// admission are the answers to a student's token.
func admission() refusals {
	return refusals{
		http.StatusUnauthorized: {wire.CodeUnauthenticated, wire.CodeTokenExpired},
		http.StatusForbidden: {
			wire.CodeWrongExam, wire.CodeNotEnrolled, wire.CodeExamNotOpen, wire.CodeExamFinished,
		},
		http.StatusTooManyRequests:     {wire.CodeRateLimited},
		http.StatusInternalServerError: {wire.CodeInternal},
		http.StatusServiceUnavailable:  {wire.CodeNotReady},
	}
}

func invigilation() refusals {
	return refusals{
		http.StatusUnauthorized:        {wire.CodeUnauthenticated, wire.CodeTokenExpired},
		http.StatusForbidden:           {wire.CodeWrongExam, wire.CodeForbidden},
		http.StatusTooManyRequests:     {wire.CodeRateLimited},
		http.StatusInternalServerError: {wire.CodeInternal},
		http.StatusServiceUnavailable:  {wire.CodeNotReady},
	}
}

// bodies are the answers to a body that cannot be taken.
func bodies() refusals {
	return refusals{
		http.StatusBadRequest:            {wire.CodeBadRequest},
		http.StatusRequestTimeout:        {wire.CodeRequestTimeout},
		http.StatusRequestEntityTooLarge: {wire.CodeTooLarge},
	}
}

func proxied() refusals {
	return refusals{
		http.StatusConflict:             {wire.CodeSessionReplaced},
		http.StatusUnsupportedMediaType: {wire.CodeUnsupportedMedia},
		http.StatusNotFound:             {wire.CodeNotFound},
		http.StatusBadGateway:           {wire.CodeShardUnreachable},
	}
}

func upgrade() refusals {
	return refusals{
		http.StatusBadRequest:         {wire.CodeVersionNotOffered},
		http.StatusForbidden:          {wire.CodeForbidden},
		http.StatusServiceUnavailable: {wire.CodeNotReady},
	}
}

func longPoll() []parameter {
	return []parameter{
		{name: "since", what: "The cursor or version of the answer before: only what has changed since is told, or waited for."},
		{name: "wait", what: "How long the answer may be held, in seconds; 30 at most.",
			schema: openapi3.NewIntegerSchema().WithMin(0).WithMax(65535)},
	}
}

// scoringOperations are scoring's, public and internal.
func scoringOperations() []operation {
	door := []string{public}
	resource := map[int]answer{http.StatusOK: {what: "The session has ended."}}

	return []operation{
		{
			method: http.MethodGet, path: "/", servers: door, id: "page", tag: tagStudent,
			summary: "The student's page. Its assets are below, with their names as the build made them.",
			answers: map[int]answer{http.StatusOK: {content: content{media: "text/html"}, what: "The page."}},
			refusals: refusals{
				http.StatusNotFound: {wire.CodeNotFound}, http.StatusServiceUnavailable: {wire.CodeNotReady},
			},
		},
		{
			method: http.MethodGet, path: "/models/{sha256}/face_landmarker.task", servers: door,
			id: "faceModel", tag: tagStudent,
			summary: "The face model that the policy of a notice or join answer names.",
			answers: map[int]answer{http.StatusOK: {content: content{media: typeBinary}, what: "The model."}},
			refusals: refusals{
				http.StatusNotFound: {wire.CodeNotFound}, http.StatusServiceUnavailable: {wire.CodeNotReady},
			},
		},
		{
			method: http.MethodGet, path: "/api/v1/notice", servers: door, id: "notice", tag: tagStudent,
			summary: "What a student has to know before they agree to be watched. The exam need not be open.",
			bearers: []string{linkToken},
			answers: map[int]answer{http.StatusOK: {content: content{typeJSON, "Notice"}, what: "The notice."}},
			refusals: refusals{
				http.StatusUnauthorized:       {wire.CodeUnauthenticated, wire.CodeTokenExpired},
				http.StatusForbidden:          {wire.CodeWrongExam, wire.CodeNotEnrolled, wire.CodeExamFinished},
				http.StatusTooManyRequests:    {wire.CodeRateLimited},
				http.StatusServiceUnavailable: {wire.CodeNotReady},
			},
		},
		{
			method: http.MethodPost, path: "/api/v1/join", servers: door, id: "join", tag: tagStudent,
			summary: "Admits a student who holds a link.",
			bearers: []string{linkToken},
			body:    content{typeJSON, "JoinRequest"}, limit: 4 << 10,
			answers:  map[int]answer{http.StatusOK: {content: content{typeJSON, "JoinResponse"}, what: "Admitted."}},
			refusals: with(admission(), bodies()),
		},
		{
			method: http.MethodOptions, path: "/api/v1/whip", servers: door, id: "publishOptions", tag: tagStudent,
			summary: "What an offer may be (RFC 9725).",
			answers: map[int]answer{http.StatusNoContent: {
				what: "Accept-Post names it.", headers: map[string]string{"Accept-Post": typeSDP},
			}},
		},
		{
			method: http.MethodPost, path: "/api/v1/whip", servers: door, id: "publish", tag: tagStudent,
			summary: "WHIP (RFC 9725): an SDP offer, passed on to the student's SFU pod.",
			bearers: []string{sessionToken},
			body:    content{typeSDP, ""}, limit: 64 << 10,
			answers: map[int]answer{http.StatusCreated: {
				content: content{typeSDP, ""}, what: "The pod's SDP answer.",
				headers: map[string]string{
					"Location": "The session, below this origin.", "ETag": "The ICE session.",
					"Link": "ICE servers, rel=\"ice-server\".",
				},
			}},
			refusals: with(admission(), bodies(), proxied(), refusals{
				http.StatusUnprocessableEntity: {wire.CodeUnsupportedOffer, wire.CodeTooManySlots},
				http.StatusConflict:            {wire.CodeAlreadyPublishing},
				http.StatusServiceUnavailable:  {wire.CodeNoShardAvailable, wire.CodeDraining, wire.CodeTooManySessions},
			}),
		},
		{
			method: http.MethodPatch, path: "/api/v1/whip/{shard}/{id}", servers: door, id: "publishPatch", tag: tagStudent,
			summary: "Trickles candidates, or restarts ICE.",
			bearers: []string{sessionToken},
			headers: []parameter{{name: "If-Match", what: "The ICE session's ETag to trickle, * to restart."}},
			body:    content{typeFragment, ""}, limit: 64 << 10,
			answers: map[int]answer{
				http.StatusOK:        {content: content{typeFragment, ""}, what: "ICE restarts."},
				http.StatusNoContent: {what: "Taken."},
			},
			refusals: with(admission(), bodies(), proxied(), refusals{
				http.StatusPreconditionFailed:   {wire.CodePreconditionFail},
				http.StatusPreconditionRequired: {wire.CodePreconditionFail},
			}),
		},
		{
			method: http.MethodDelete, path: "/api/v1/whip/{shard}/{id}", servers: door, id: "publishEnd", tag: tagStudent,
			summary: "Ends a media session.",
			bearers: []string{sessionToken}, answers: resource,
			refusals: with(admission(), proxied()),
		},
		{
			method: http.MethodGet, path: "/api/v1/events", servers: door, id: "events", tag: tagStudent,
			summary: "The event socket. The token is offered as subprotocol \"bearer.<session token>\", " +
				"and what is wrong with it is told by a close code.",
			refusals: upgrade(),
			socket: &socket{
				subprotocol: wire.Subprotocol, sends: "ClientMessage", receives: "ServerMessage",
				closes: map[int]string{
					wire.CloseShutdown:        "The server shuts down; reconnect with back-off.",
					wire.CloseTooSlow:         "The client reads too slowly, or skipped a report that was refused; reconnect.",
					1009:                      "A message is over 16 KiB; do not reconnect.",
					wire.CloseBadMessage:      "Messages that cannot be read; do not reconnect.",
					wire.CloseUnauthenticated: "The token is not valid; join again.",
					wire.CloseNotEnrolled:     "No longer on the roster; do not reconnect.",
					wire.CloseSessionReplaced: "Joined on another device; do not reconnect.",
					wire.CloseExamFinished:    "The exam is over; do not reconnect.",
					wire.CloseTerminated:      "An invigilator has ended the student's exam; do not reconnect.",
				},
			},
		},
		{
			method: http.MethodPost, path: "/api/v1/evidence", servers: door, id: "upload", tag: tagStudent,
			summary: "Keeps a picture of the student's camera as evidence of a violation.",
			bearers: []string{sessionToken},
			query: []parameter{
				{name: "violation", what: "The violation's type.", required: true},
				{name: "number", what: "The violation's number, as its message on the event socket has it.", required: true,
					schema: openapi3.NewIntegerSchema()},
				{name: "capturedAt", what: "When the picture was taken, on the page's clock, in milliseconds.", required: true,
					schema: openapi3.NewIntegerSchema().WithMin(0)},
			},
			body: content{typeJPEG, ""}, limit: 256 << 10,
			answers: map[int]answer{
				http.StatusCreated: {content: content{typeJSON, "KeptPicture"}, what: "Kept."},
				http.StatusOK:      {content: content{typeJSON, "KeptPicture"}, what: "Kept already."},
			},
			refusals: with(admission(), bodies(), refusals{
				http.StatusNotFound: {wire.CodeNotFound, wire.CodeUnknownViolation},
				http.StatusConflict: {
					wire.CodeSessionReplaced, wire.CodeViolationTooOld, wire.CodePictureExists, wire.CodeEvidenceSealed,
				},
				http.StatusUnsupportedMediaType: {wire.CodeUnsupportedMedia},
				http.StatusUnprocessableEntity: {
					wire.CodeNotJPEG, wire.CodeBadDimensions, wire.CodeUndecodable, wire.CodeTooLarge,
				},
				http.StatusServiceUnavailable: {wire.CodeRateLimited},
			}),
		},
		{
			method: http.MethodGet, path: "/api/v1/feed", servers: door, id: "feed", tag: tagInvigilator,
			summary: "The invigilators' feed. The token is offered as subprotocol \"bearer.<token>\", " +
				"and what is wrong with it is told by a close code, with the error code as reason.",
			refusals: upgrade(),
			socket: &socket{
				subprotocol: wire.FeedSubprotocol, receives: "FeedMessage",
				closes: map[int]string{
					1009:                      "The client has sent more than 1 KiB; do not reconnect.",
					1013:                      "RateLimited: the subject has too many feeds; reconnect with back-off.",
					wire.CloseShutdown:        "The server shuts down; reconnect with back-off.",
					wire.CloseTooSlow:         "The client reads nothing at all; reconnect.",
					wire.CloseBadMessage:      "The client has sent something; do not reconnect.",
					wire.CloseUnauthenticated: "The token is not valid, or not any more; reconnect with a new one.",
				},
			},
		},
		{
			method: http.MethodPost, path: "/api/v1/sessions/{student}/actions", servers: door, id: "act", tag: tagInvigilator,
			summary: "Acts on a student's session, once for each id.",
			bearers: []string{invigilatorToken},
			body:    content{typeJSON, "Action"}, limit: 16 << 10,
			answers: map[int]answer{http.StatusOK: {content: content{typeJSON, "TakenAction"}, what: "Taken, now or before."}},
			refusals: with(invigilation(), bodies(), refusals{
				http.StatusNotFound: {wire.CodeNotEnrolled}, http.StatusConflict: {wire.CodeConflict},
			}),
		},
		invigilatorsPage("/wall", "wallPage", "The wall: everybody at once. The token is in the fragment."),
		invigilatorsPage("/review", "reviewPage", "The review of what is on record. The token is in the fragment."),
		{
			method: http.MethodGet, path: "/api/v1/wall", servers: door, id: "wall", tag: tagInvigilator,
			summary:  "What an invigilator's page has to know before it shows anybody.",
			bearers:  []string{invigilatorToken},
			answers:  map[int]answer{http.StatusOK: {content: content{typeJSON, "WallConfig"}, what: "The exam and numbers."}},
			refusals: invigilation(),
		},
		{
			method: http.MethodGet, path: "/api/v1/view/{shard}", servers: door, id: "viewThrough", tag: tagInvigilator,
			summary: "The slot viewer of a pod, passed on. The token is offered as subprotocol \"bearer.<token>\", " +
				"and what is wrong is told by a close code, with the error code as reason.",
			refusals: upgrade(),
			socket: &socket{
				subprotocol: wire.ViewSubprotocol, sends: "ViewCommand", receives: "ViewEvent",
				closes: map[int]string{
					1009: "A message is over 256 KiB; do not reconnect.",
					1013: "RateLimited: the subject has too many viewers of the pod; " +
						"ShardUnreachable: the pod does not answer; reconnect with back-off.",
					wire.CloseShutdown:        "The server or the pod shuts down; reconnect with back-off.",
					wire.CloseTooSlow:         "The client reads too slowly; reconnect.",
					wire.CloseTransportFailed: "The PeerConnection has failed or was closed; reconnect with a new offer.",
					wire.CloseBadMessage:      "Messages that cannot be read, or no offer within 10 s; do not reconnect.",
					wire.CloseUnauthenticated: "The token is not valid, or not any more; reconnect with a new one.",
					wire.CloseNoShard:         "There is no such pod; do not reconnect.",
				},
			},
		},
		{
			method: http.MethodGet, path: "/api/v1/sessions/{student}/record", servers: door, id: "record", tag: tagInvigilator,
			summary: "What is on record of a student, 1000 entries at a time.",
			bearers: []string{invigilatorToken},
			query: []parameter{{
				name: "after", what: "Only entries with a seq above it; 0 if absent.",
				schema: openapi3.NewIntegerSchema().WithMin(0),
			}},
			answers: map[int]answer{http.StatusOK: {content: content{typeJSON, "SessionRecord"}, what: "The entries."}},
			refusals: with(invigilation(), refusals{
				http.StatusBadRequest: {wire.CodeBadRequest}, http.StatusNotFound: {wire.CodeNotEnrolled},
				http.StatusServiceUnavailable: {wire.CodeRateLimited},
			}),
		},
		{
			method: http.MethodGet, path: "/api/v1/pictures/{sha256}", servers: door, id: "picture", tag: tagInvigilator,
			summary: "A picture that an entry of a record names.",
			bearers: []string{invigilatorToken},
			answers: map[int]answer{http.StatusOK: {
				content: content{typeJPEG, ""}, what: "The picture.",
				headers: map[string]string{"Cache-Control": "It may be kept by the bearer's own browser, and never changes."},
			}},
			refusals: with(invigilation(), refusals{
				http.StatusNotFound: {wire.CodeNotFound}, http.StatusServiceUnavailable: {wire.CodeRateLimited},
			}),
		},
		{
			method: http.MethodGet, path: "/internal/v1/sessions", servers: []string{internal}, id: "sessions", tag: tagOperator,
			summary: "The sessions that have changed.",
			bearers: []string{internalToken}, query: longPoll(),
			answers:  map[int]answer{http.StatusOK: {content: content{typeJSON, "Sessions"}, what: "What has changed."}},
			refusals: with(component(), refusals{http.StatusServiceUnavailable: {wire.CodeNotReady}}),
		},
	}
}

// invigilatorsPage is one of the pages of those who watch.
func invigilatorsPage(path, id, summary string) operation {
	return operation{
		method: http.MethodGet, path: path, servers: []string{public}, id: id, tag: tagInvigilator, summary: summary,
		answers: map[int]answer{http.StatusOK: {content: content{media: "text/html"}, what: "The page."}},
		refusals: refusals{
			http.StatusNotFound: {wire.CodeNotFound}, http.StatusServiceUnavailable: {wire.CodeNotReady},
		},
	}
}

// component are the answers to what components of Invigil ask.
func component() refusals {
	return refusals{
		http.StatusBadRequest:   {wire.CodeBadRequest},
		http.StatusUnauthorized: {wire.CodeUnauthenticated, wire.CodeTokenExpired},
		http.StatusForbidden:    {wire.CodeWrongExam},
	}
}

// adminOperations are the same on both servers.
func adminOperations() []operation {
	both := []string{internal, pod}

	return []operation{
		{
			method: http.MethodGet, path: "/healthz", servers: both, id: "healthz", tag: tagAdmin,
			summary: "The process works; nothing else is looked at.",
			answers: map[int]answer{http.StatusOK: {content: content{typeText, ""}, what: "It does."}},
		},
		{
			method: http.MethodGet, path: "/readyz", servers: both, id: "readyz", tag: tagAdmin,
			summary: "Whether requests can be taken.",
			answers: map[int]answer{
				http.StatusOK:                 {content: content{typeText, ""}, what: "They can."},
				http.StatusServiceUnavailable: {content: content{typeText, ""}, what: "They cannot; the body says why."},
			},
		},
		{
			method: http.MethodGet, path: "/metrics", servers: both, id: "metrics", tag: tagAdmin,
			summary: "Prometheus' text format.",
			answers: map[int]answer{http.StatusOK: {content: content{typeText, ""}, what: "The metrics."}},
		},
	}
}
