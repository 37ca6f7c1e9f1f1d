package exam

import (
	"crypto/hmac"
	"crypto/sha1" //nolint:gosec // TURN servers want HMAC-SHA1, which holds
	"encoding/base64"
	"strconv"
	"time"

	"github.com/invigil/invigil/internal/wire"
)

const (
	// maxPassword bounds how long a password for a TURN server is good.
	maxPassword = 12 * time.Hour
	// minPassword is for who joins in their last seconds: setting a path up takes a
	// moment, and clocks differ.
	minPassword = 2 * time.Minute
)

// IceServers are what user may reach the SFU pods by. Passwords are good until
// until, and for 2 minutes to 12 hours: the username is "<expiry>:<user>", the
// password the base64 of its HMAC-SHA1 (draft-uberti-behave-turn-rest-00, section
// 2.2). Who has one relays through the server until then, and learns no secret.
func (e *Exam) IceServers(user string, until time.Time) []wire.IceServer {
	now := e.now()
	expires := until

	if latest := now.Add(maxPassword); expires.After(latest) {
		expires = latest
	}

	if earliest := now.Add(minPassword); expires.Before(earliest) {
		expires = earliest
	}

	username := strconv.FormatInt(expires.Unix(), 10) + ":" + user
	servers := []wire.IceServer{}

	for _, config := range e.Config().IceServers {
		server := wire.IceServer{URLs: config.URLs}

		if config.Secret != "" {
			mac := hmac.New(sha1.New, []byte(config.Secret))
			mac.Write([]byte(username))
			server.Username, server.Credential = username, base64.StdEncoding.EncodeToString(mac.Sum(nil))
		}

		servers = append(servers, server)
	}

	return servers
}

// CallersIceServers are the caller's, until their time is over.
func (e *Exam) CallersIceServers(caller Caller) []wire.IceServer {
	return e.IceServers(caller.Student, e.sessionEnd(caller.Student))
}

// sessionEnd is when the student's session ends at the latest.
func (e *Exam) sessionEnd(student string) time.Time {
	if access, _ := e.tracker.Access(student); access.LastAt != 0 {
		return time.UnixMilli(access.LastAt)
	}

	return e.now().Add(tokenWithoutEnd)
}

// FaceModelPath is the path below the page of the model with that checksum.
func FaceModelPath(sum string) string { return "models/" + sum + "/face_landmarker.task" }

// offered is the policy with the model that pages may load now.
func (e *Exam) offered(policy wire.Policy) wire.Policy {
	policy.FaceModel = ""

	if e.models != nil {
		if sum := e.models.Served(); sum != "" {
			policy.FaceModel = FaceModelPath(sum)
		}
	}

	return policy
}
