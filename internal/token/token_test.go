package token_test

import (
	"crypto/ed25519"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/invigil/invigil/internal/token"
)

const exam = "default/finals"

var start = time.Date(2026, 6, 1, 9, 0, 0, 0, time.UTC)

func at(t time.Time) func() time.Time { return func() time.Time { return t } }

func keys(t *testing.T) (ed25519.PrivateKey, ed25519.PublicKey) {
	t.Helper()

	privPEM, pubPEM, err := token.NewKeyPair()
	if err != nil {
		t.Fatal(err)
	}

	priv, err := token.ParsePrivateKey(privPEM)
	if err != nil {
		t.Fatal(err)
	}

	pub, err := token.ParsePublicKey(pubPEM)
	if err != nil {
		t.Fatal(err)
	}

	return priv, pub
}

func TestVerify(t *testing.T) {
	priv, pub := keys(t)
	otherPriv, _ := keys(t)
	good, err := token.NewSigner(priv, exam, at(start)).Sign(token.Media, "ada", time.Minute,
		token.Claims{SessionID: "s1", Shard: "finals-sfu-0"})
	if err != nil {
		t.Fatal(err)
	}

	sign := func(key ed25519.PrivateKey, forExam string, audience token.Audience, subject string) string {
		raw, err := token.NewSigner(key, forExam, at(start)).Sign(audience, subject, time.Minute, token.Claims{})
		if err != nil {
			t.Fatal(err)
		}

		return raw
	}
	unsigned, err := jwt.NewWithClaims(jwt.SigningMethodNone, jwt.MapClaims{
		"sub": "ada", "aud": "invigil:media", "iss": "invigil", "exam": exam,
	}).SignedString(jwt.UnsafeAllowNoneSignatureType)
	if err != nil {
		t.Fatal(err)
	}

	foreign := sign(priv, exam, token.Session, "ada")
	tests := map[string]struct {
		raw     string
		now     time.Time
		wantErr error
	}{
		"good":                    {raw: good, now: start},
		"clock a little ahead":    {raw: good, now: start.Add(time.Minute + 4*time.Second)},
		"expired":                 {raw: good, now: start.Add(2 * time.Minute), wantErr: token.ErrExpired},
		"other key":               {raw: sign(otherPriv, exam, token.Media, "ada"), now: start, wantErr: token.ErrInvalid},
		"other exam":              {raw: sign(priv, "a/b", token.Media, "ada"), now: start, wantErr: token.ErrWrongExam},
		"other audience":          {raw: foreign, now: start, wantErr: token.ErrInvalid},
		"other audience, expired": {raw: foreign, now: start.Add(time.Hour), wantErr: token.ErrInvalid},
		"no subject":              {raw: sign(priv, exam, token.Media, ""), now: start, wantErr: token.ErrInvalid},
		"unsigned":                {raw: unsigned, now: start, wantErr: token.ErrInvalid},
		"tampered":                {raw: strings.Replace(good, ".", ".x", 1), now: start, wantErr: token.ErrInvalid},
		"empty":                   {raw: "", now: start, wantErr: token.ErrInvalid},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			claims, err := token.NewVerifier(pub, exam, at(tc.now)).Verify(token.Media, tc.raw)
			if !errors.Is(err, tc.wantErr) {
				t.Fatalf("Verify: %v, want %v", err, tc.wantErr)
			}

			if err == nil && (claims.Subject != "ada" || claims.SessionID != "s1" || claims.Shard != "finals-sfu-0") {
				t.Errorf("claims = %+v", claims)
			}
		})
	}
}

func TestLinkTokensAreStable(t *testing.T) {
	priv, pub := keys(t)
	end := start.Add(3 * time.Hour)
	first, err := token.NewSigner(priv, exam, at(start)).SignLink("ada", end)
	if err != nil {
		t.Fatal(err)
	}

	later, err := token.NewSigner(priv, exam, at(start.Add(time.Hour))).SignLink("ada", end)
	if err != nil {
		t.Fatal(err)
	}

	if first != later {
		t.Error("the same link was signed differently an hour later")
	}

	if _, err := token.NewVerifier(pub, exam, at(start)).Verify(token.Join, first); err != nil {
		t.Errorf("Verify: %v", err)
	}

	endless, err := token.NewSigner(priv, exam, at(start)).SignLink("ada", time.Time{})
	if err != nil {
		t.Fatal(err)
	}

	if _, err := token.NewVerifier(pub, exam, at(start.AddDate(10, 0, 0))).Verify(token.Join, endless); err != nil {
		t.Errorf("a link without end expired: %v", err)
	}
}

func TestParseKeysRefusesOtherThings(t *testing.T) {
	for name, data := range map[string]string{
		"empty":   "",
		"not PEM": "hello",
		"not DER": "-----BEGIN PRIVATE KEY-----\naGVsbG8=\n-----END PRIVATE KEY-----\n",
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := token.ParsePrivateKey([]byte(data)); err == nil {
				t.Error("ParsePrivateKey accepted it")
			}

			if _, err := token.ParsePublicKey([]byte(data)); err == nil {
				t.Error("ParsePublicKey accepted it")
			}
		})
	}
}
