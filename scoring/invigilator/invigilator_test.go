package invigilator_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/golang-jwt/jwt/v5"

	"github.com/invigil/invigil/internal/wire"
	"github.com/invigil/invigil/scoring/invigilator"
)

const (
	issuer   = "https://kubernetes.default.svc.cluster.local"
	audience = "invigil:exam:demo/algebra"
	subject  = "system:serviceaccount:demo:algebra-invigilator"
)

var (
	now        = time.Date(2026, 6, 1, 9, 0, 0, 0, time.UTC)
	rsaKey     = newRSA(2048)
	otherRSA   = newRSA(2048)
	ecKey      = newEC(elliptic.P256())
	strongerEC = newEC(elliptic.P384())
)

func newRSA(bits int) *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, bits)
	if err != nil {
		panic(err)
	}

	return key
}

func newEC(curve elliptic.Curve) *ecdsa.PrivateKey {
	key, err := ecdsa.GenerateKey(curve, rand.Reader)
	if err != nil {
		panic(err)
	}

	return key
}

func keySet(t *testing.T, keys map[string]any) json.RawMessage {
	t.Helper()

	set := jose.JSONWebKeySet{}
	for id, key := range keys {
		set.Keys = append(set.Keys, jose.JSONWebKey{Key: key, KeyID: id, Use: "sig"})
	}

	data, err := json.Marshal(set)
	if err != nil {
		t.Fatal(err)
	}

	return data
}

func config(t *testing.T) *wire.Invigilators {
	t.Helper()

	return &wire.Invigilators{Issuer: issuer, Audience: audience, Subject: subject, Keys: keySet(t, map[string]any{
		"rsa": &rsaKey.PublicKey, "ec": &ecKey.PublicKey, "ec384": &strongerEC.PublicKey,
	})}
}

func checker(t *testing.T) *invigilator.Checker {
	t.Helper()

	c := invigilator.New(func() time.Time { return now })
	if err := c.Configure(config(t)); err != nil {
		t.Fatal(err)
	}

	return c
}

// usual are a token's claims as `kubectl create token` gets them.
func usual() jwt.MapClaims {
	return jwt.MapClaims{
		"iss": issuer, "aud": []string{audience}, "sub": subject, "jti": "4b1f",
		"iat": now.Unix(), "nbf": now.Unix(), "exp": now.Add(time.Hour).Unix(),
		"kubernetes.io": map[string]any{"namespace": "demo", "serviceaccount": map[string]any{"name": "algebra-invigilator"}},
	}
}

func sign(t *testing.T, method jwt.SigningMethod, kid string, key any, claims jwt.MapClaims) string {
	t.Helper()

	token := jwt.NewWithClaims(method, claims)
	if kid != "" {
		token.Header["kid"] = kid
	}

	signed, err := token.SignedString(key)
	if err != nil {
		t.Fatal(err)
	}

	return signed
}

// change replaces claims; nil takes one away.
type change = jwt.MapClaims

func with(changed change) jwt.MapClaims {
	claims := usual()
	maps.Copy(claims, changed)
	maps.DeleteFunc(claims, func(_ string, value any) bool { return value == nil })

	return claims
}

func TestCheck(t *testing.T) {
	t.Parallel()

	c := checker(t)
	invalid, expired := invigilator.ErrInvalid, invigilator.ErrExpired
	otherAudience, otherSubject := invigilator.ErrOtherAudience, invigilator.ErrOtherSubject
	rs, es := jwt.SigningMethodRS256, jwt.SigningMethodES256
	der, _ := x509.MarshalPKIXPublicKey(&rsaKey.PublicKey)
	publicPEM := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
	signed := func(c change) string { return sign(t, rs, "rsa", rsaKey, with(c)) }
	good := signed(nil)
	parts := strings.Split(good, ".")
	other := with(jwt.MapClaims{"sub": subject + "-2"})
	otherBody := strings.Split(sign(t, rs, "rsa", rsaKey, other), ".")[1]

	tests := map[string]struct {
		token string
		want  error
	}{
		"RS256":                         {good, nil},
		"ES256":                         {sign(t, es, "ec", ecKey, usual()), nil},
		"ES384":                         {sign(t, jwt.SigningMethodES384, "ec384", strongerEC, usual()), nil},
		"several audiences":             {signed(change{"aud": []string{"a", audience}}), nil},
		"expired, within the leeway":    {signed(change{"exp": now.Add(-4 * time.Second).Unix()}), nil},
		"early, within the leeway":      {signed(change{"nbf": now.Add(4 * time.Second).Unix()}), nil},
		"expired":                       {signed(change{"exp": now.Add(-time.Minute).Unix()}), expired},
		"too early":                     {signed(change{"nbf": now.Add(time.Minute).Unix()}), invalid},
		"no expiry":                     {signed(change{"exp": nil}), invalid},
		"other audience":                {signed(change{"aud": []string{"invigil:exam:demo/other"}}), otherAudience},
		"no audience":                   {signed(change{"aud": nil}), invalid},
		"other audience, expired":       {signed(change{"aud": "a", "exp": 1}), otherAudience},
		"other issuer":                  {signed(change{"iss": "https://evil.example"}), invalid},
		"other issuer and subject":      {signed(change{"iss": "https://evil.example", "sub": "x"}), invalid},
		"other subject":                 {sign(t, rs, "rsa", rsaKey, other), otherSubject},
		"other subject, expired":        {signed(change{"sub": "x", "exp": 1}), otherSubject},
		"no subject":                    {signed(change{"sub": nil}), otherSubject},
		"other key of the same id":      {sign(t, rs, "rsa", otherRSA, usual()), invalid},
		"other key, everything else":    {sign(t, rs, "rsa", otherRSA, with(change{"sub": "x", "aud": "y"})), invalid},
		"unknown key id":                {sign(t, rs, "new", rsaKey, usual()), invalid},
		"no key id":                     {sign(t, rs, "", rsaKey, usual()), invalid},
		"key id of another kind of key": {sign(t, rs, "ec", rsaKey, usual()), invalid},
		"another key's algorithm":       {sign(t, es, "rsa", ecKey, usual()), invalid},
		"RS512 by the right key":        {sign(t, jwt.SigningMethodRS512, "rsa", rsaKey, usual()), invalid},
		"PS256 by the right key":        {sign(t, jwt.SigningMethodPS256, "rsa", rsaKey, usual()), invalid},
		"HMAC with the public key":      {sign(t, jwt.SigningMethodHS256, "rsa", publicPEM, usual()), invalid},
		"HMAC with the DER":             {sign(t, jwt.SigningMethodHS256, "rsa", der, usual()), invalid},
		"none":                          {unsigned(t), invalid},
		"signature cut off":             {parts[0] + "." + parts[1] + ".", invalid},
		"body of another token":         {parts[0] + "." + otherBody + "." + parts[2], invalid},
		"key in its own header":         {withOwnKey(t), invalid},
		"no token":                      {"", invalid},
		"not a token":                   {"a.b.c", invalid},
		"too long":                      {good + strings.Repeat("A", 16<<10), invalid},
	}

	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			who, err := c.Check(tc.token)
			if !errors.Is(err, tc.want) {
				t.Fatalf("error %v, want %v", err, tc.want)
			}

			if err == nil && (who.Subject != subject || who.Credential != "4b1f" || who.Expires.IsZero()) {
				t.Errorf("invigilator %+v", who)
			}
		})
	}
}

func unsigned(t *testing.T) string {
	t.Helper()

	return sign(t, jwt.SigningMethodNone, "rsa", jwt.UnsafeAllowNoneSignatureType, usual())
}

// withOwnKey brings the key that it is signed with (jwk and x5c are not looked at).
func withOwnKey(t *testing.T) string {
	t.Helper()

	token := jwt.NewWithClaims(jwt.SigningMethodRS256, usual())
	token.Header["kid"] = "mine"
	token.Header["jwk"] = jose.JSONWebKey{Key: &otherRSA.PublicKey, KeyID: "mine"}
	token.Header["jku"] = "https://evil.example/jwks"

	signed, err := token.SignedString(otherRSA)
	if err != nil {
		t.Fatal(err)
	}

	return signed
}

func TestName(t *testing.T) {
	t.Parallel()

	c := checker(t)
	pod := with(jwt.MapClaims{"kubernetes.io": map[string]any{"pod": map[string]any{"name": "wall-0", "uid": "1"}}})

	for want, claims := range map[string]jwt.MapClaims{
		subject + "/wall-0": pod,
		subject + "#4b1f":   usual(),
		subject:             with(jwt.MapClaims{"jti": nil}),
	} {
		who, err := c.Check(sign(t, jwt.SigningMethodES256, "ec", ecKey, claims))
		if err != nil || who.Name() != want {
			t.Errorf("%q, %v; want %q", who.Name(), err, want)
		}
	}
}
