package main

import (
	"net/http"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/invigil/invigil/internal/wire"
)

// grant are the answers to a grant for one pod.
func grant() refusals {
	return refusals{
		http.StatusUnauthorized: {wire.CodeUnauthenticated, wire.CodeTokenExpired},
		http.StatusForbidden:    {wire.CodeWrongExam, wire.CodeForbidden},
	}
}

// signalling are a pod's answers to an offer or a fragment.
func signalling() refusals {
	return refusals{
		http.StatusUnsupportedMediaType: {wire.CodeUnsupportedMedia},
		http.StatusServiceUnavailable:   {wire.CodeNotReady, wire.CodeDraining, wire.CodeTooManySessions},
		http.StatusInternalServerError:  {wire.CodeInternal},
	}
}

// sessionOf are the operations on a session that an offer has begun.
func sessionOf(path, id string, bearers []string) []operation {
	return []operation{
		{
			method: http.MethodPatch, path: path, servers: []string{pod}, id: id + "Patch", tag: tagSFU,
			summary: "Trickles candidates (If-Match: the ETag), or restarts ICE (If-Match: *).",
			bearers: bearers,
			headers: []parameter{{name: "If-Match", what: "The ICE session's ETag to trickle, * to restart."}},
			body:    content{typeFragment, ""}, limit: 64 << 10,
			answers: map[int]answer{
				http.StatusOK: {
					content: content{typeFragment, ""}, what: "ICE restarts.",
					headers: map[string]string{"ETag": "The new ICE session."},
				},
				http.StatusNoContent: {what: "Taken."},
			},
			refusals: with(grant(), bodies(), signalling(), refusals{
				http.StatusNotFound:             {wire.CodeNotFound},
				http.StatusPreconditionFailed:   {wire.CodePreconditionFail},
				http.StatusPreconditionRequired: {wire.CodePreconditionFail},
			}),
		},
		{
			method: http.MethodDelete, path: path, servers: []string{pod}, id: id + "End", tag: tagSFU,
			summary: "Ends the session.",
			bearers: bearers, answers: map[int]answer{http.StatusOK: {what: "It has ended."}},
			refusals: with(grant(), refusals{
				http.StatusNotFound:            {wire.CodeNotFound},
				http.StatusServiceUnavailable:  {wire.CodeNotReady},
				http.StatusInternalServerError: {wire.CodeInternal},
			}),
		},
	}
}

func offered(location string) map[int]answer {
	return map[int]answer{http.StatusCreated: {
		content: content{typeSDP, ""}, what: "The SDP answer.",
		headers: map[string]string{"Location": location, "ETag": "The ICE session.", "Link": "ICE servers, rel=\"ice-server\"."},
	}}
}

func accepted(path, id string) operation {
	return operation{
		method: http.MethodOptions, path: path, servers: []string{pod}, id: id + "Options", tag: tagSFU,
		summary: "What an offer may be, and the ICE servers.",
		answers: map[int]answer{http.StatusNoContent: {
			what:    "Accept-Post names it.",
			headers: map[string]string{"Accept-Post": typeSDP, "Link": "ICE servers, rel=\"ice-server\"."},
		}},
	}
}

// sfuOperations are an SFU pod's.
func sfuOperations() []operation {
	one := []string{pod}
	operations := []operation{
		accepted("/whip", "whip"),
		{
			method: http.MethodPost, path: "/whip", servers: one, id: "whip", tag: tagSFU,
			summary: "WHIP (RFC 9725): a student publishes.",
			bearers: []string{mediaGrant},
			body:    content{typeSDP, ""}, limit: 64 << 10,
			answers: offered("/whip/<id>"),
			refusals: with(grant(), bodies(), signalling(), refusals{
				http.StatusConflict:            {wire.CodeAlreadyPublishing, wire.CodeSessionReplaced},
				http.StatusUnprocessableEntity: {wire.CodeUnsupportedOffer, wire.CodeTooManySlots},
			}),
		},
		accepted("/whep/{student}", "whep"),
		{
			method: http.MethodPost, path: "/whep/{student}", servers: one, id: "whep", tag: tagSFU,
			summary: "WHEP (draft-ietf-wish-whep): views one student's stream, now or once it comes.",
			bearers: []string{viewGrant, internalToken},
			body:    content{typeSDP, ""}, limit: 64 << 10,
			answers: offered("/whep/sessions/<id>"),
			refusals: with(grant(), bodies(), signalling(), refusals{
				http.StatusUnprocessableEntity: {wire.CodeUnsupportedOffer, wire.CodeTooManySlots},
			}),
		},
		{
			method: http.MethodGet, path: "/view", servers: one, id: "view", tag: tagSFU,
			summary: "The slot viewer: one socket and one PeerConnection for many students. The grant is in the header, or the " +
				"subprotocol \"bearer.<grant>\".",
			bearers:  []string{viewGrant},
			refusals: with(grant(), refusals{http.StatusServiceUnavailable: {wire.CodeNotReady, wire.CodeDraining}}),
			socket: &socket{
				subprotocol: wire.ViewSubprotocol, sends: "ViewCommand", receives: "ViewEvent",
				closes: map[int]string{
					wire.CloseShutdown:        "The pod shuts down; reconnect where scoring says.",
					wire.CloseTooSlow:         "The client reads too slowly; reconnect.",
					wire.CloseTransportFailed: "The PeerConnection has failed or was closed; reconnect with a new offer.",
					wire.CloseBadMessage:      "Messages that cannot be read, or no offer within 10 s; do not reconnect.",
				},
			},
		},
		{
			method: http.MethodPost, path: "/internal/v1/drain", servers: one, id: "drain", tag: tagSFU,
			summary: "Makes the pod empty itself.",
			bearers: []string{internalToken},
			body:    content{typeJSON, "DrainRequest"}, limit: 4 << 10,
			answers: map[int]answer{http.StatusAccepted: {content: content{typeJSON, "Drain"}, what: "It drains."}},
			refusals: with(component(), refusals{
				http.StatusRequestTimeout: {wire.CodeRequestTimeout}, http.StatusRequestEntityTooLarge: {wire.CodeTooLarge},
			}),
		},
		{
			method: http.MethodGet, path: "/internal/v1/streams", servers: one, id: "streams", tag: tagSFU,
			summary: "Who publishes here.",
			bearers: []string{internalToken}, query: longPoll(),
			answers:  map[int]answer{http.StatusOK: {content: content{typeJSON, "Streams"}, what: "Everybody."}},
			refusals: component(),
		},
		{
			method: http.MethodGet, path: "/internal/v1/streams/{student}/keyframe", servers: one, id: "keyframe", tag: tagSFU,
			summary: "A picture of what the student's camera shows.",
			bearers: []string{internalToken},
			query: []parameter{{
				name: "maxAgeMs", what: "How old the picture may be, in milliseconds; 2000 if absent.",
				schema: openapi3.NewIntegerSchema().WithMin(0).WithMax(60000),
			}},
			answers: map[int]answer{http.StatusOK: {
				content: content{typeJPEG, ""}, what: "The stream's last key frame.",
				headers: map[string]string{
					"X-Invigil-Captured-At": "When the frame arrived, on the pod's clock.",
					"X-Invigil-Width":       "Its width in pixels.", "X-Invigil-Height": "Its height in pixels.",
				},
			}},
			refusals: with(component(), refusals{
				http.StatusNotFound:            {wire.CodeNotFound},
				http.StatusBadGateway:          {wire.CodeUnsupportedMedia},
				http.StatusServiceUnavailable:  {wire.CodeRateLimited, wire.CodeNotReady},
				http.StatusGatewayTimeout:      {wire.CodeKeyFrameTimeout},
				http.StatusInternalServerError: {wire.CodeInternal},
			}),
		},
	}

	operations = append(operations, sessionOf("/whip/{id}", "whipSession", []string{mediaGrant, internalToken})...)

	return append(operations, sessionOf("/whep/sessions/{id}", "whepSession", []string{viewGrant, internalToken})...)
}
