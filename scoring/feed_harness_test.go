package scoring_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/go-jose/go-jose/v4"
	"github.com/golang-jwt/jwt/v5"

	"github.com/invigil/invigil/internal/wire"
)

const (
	clusterIssuer = "https://kubernetes.default.svc"
	invigilators  = "system:serviceaccount:demo:algebra-invigilator"
)

// cluster signs ServiceAccount tokens.
type cluster struct {
	id  string
	key *ecdsa.PrivateKey
}

func newCluster(t *testing.T) *cluster {
	t.Helper()

	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}

	return &cluster{id: rand.Text(), key: key}
}

// config is what the operator hands over.
func (c *cluster) config(t *testing.T) *wire.Invigilators {
	t.Helper()

	keys, err := json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: &c.key.PublicKey, KeyID: c.id, Use: "sig"}}})
	if err != nil {
		t.Fatal(err)
	}

	return &wire.Invigilators{
		Issuer: clusterIssuer, Audience: "invigil:exam:" + examName, Subject: invigilators, Keys: keys,
	}
}

// token is a token of the exam's invigilator; changes replace its claims.
func (c *cluster) token(t *testing.T, ttl time.Duration, changes jwt.MapClaims) string {
	t.Helper()

	claims := jwt.MapClaims{
		"iss": clusterIssuer, "aud": []string{"invigil:exam:" + examName}, "sub": invigilators, "jti": "c1",
		"exp": float64(time.Now().Add(ttl).UnixMilli()) / 1000,
	}
	maps.Copy(claims, changes)

	token := jwt.NewWithClaims(jwt.SigningMethodES256, claims)
	token.Header["kid"] = c.id

	signed, err := token.SignedString(c.key)
	if err != nil {
		t.Fatal(err)
	}

	return signed
}

// watched is a bench with invigilators.
func watched(t *testing.T) (*bench, *cluster) {
	t.Helper()

	c := newCluster(t)
	b := prepare(t, 1)
	b.redis.Restart()
	b.config.Invigilators = c.config(t)
	b.start()

	return b, c
}

// wall is an invigilator's feed.
type wall struct {
	*websocket.Conn

	t *testing.T
}

// watch opens a feed with whatever a token is.
func (b *bench) watch(token string) *wall {
	b.t.Helper()

	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()

	//nolint:bodyclose // the library closes it
	conn, _, err := websocket.Dial(ctx, strings.Replace(b.public, "http", "ws", 1)+base+"api/v1/feed",
		&websocket.DialOptions{
			HTTPClient:   b.client,
			Subprotocols: []string{wire.FeedSubprotocol, wire.BearerSubprotocol + token},
		})
	if err != nil {
		b.t.Fatal(err)
	}

	conn.SetReadLimit(-1)
	b.t.Cleanup(func() { _ = conn.CloseNow() })

	return &wall{Conn: conn, t: b.t}
}

func (w *wall) read() (wire.FeedMessage, error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()

	var message wire.FeedMessage

	_, data, err := w.Read(ctx)
	if err != nil {
		return message, err
	}

	return message, json.Unmarshal(data, &message)
}

// await reads until a message of the type comes.
func (w *wall) await(kind string) wire.FeedMessage {
	w.t.Helper()

	for {
		message, err := w.read()
		if err != nil {
			w.t.Fatalf("waiting for %s: %v", kind, err)
		}

		if message.Type == kind {
			return message
		}
	}
}

// closed reads until the feed is closed, and returns code and reason.
func (w *wall) closed() (code int, reason string) {
	w.t.Helper()

	for {
		if _, err := w.read(); err != nil {
			var closed websocket.CloseError
			if !asClosed(err, &closed) {
				return -1, err.Error()
			}

			return int(closed.Code), closed.Reason
		}
	}
}
