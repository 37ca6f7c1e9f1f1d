package invigilator_test

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/invigil/invigil/scoring/invigilator"
)

// checkRefused fails unless err is one of the four that Check is documented to
// have.
func checkRefused(t *testing.T, who invigilator.Invigilator, err error) {
	t.Helper()

	count := 0

	for _, known := range []error{
		invigilator.ErrExpired, invigilator.ErrInvalid, invigilator.ErrOtherSubject, invigilator.ErrOtherAudience,
	} {
		if errors.Is(err, known) {
			count++
		}
	}

	if who != (invigilator.Invigilator{}) || count != 1 {
		t.Fatalf("%+v with error %v", who, err)
	}
}

// FuzzCheck: header and payload are signed with one of the cluster's keys, or with
// none. Only what is signed counts, and only if it says all that it has to.
func FuzzCheck(f *testing.F) {
	claims := func(change jwt.MapClaims) []byte {
		data, _ := json.Marshal(with(change))

		return data
	}
	good := claims(nil)

	for _, header := range []string{
		`{"alg":"ES256","kid":"ec"}`, `{"alg":"ES256","kid":"rsa"}`, `{"alg":"RS256","kid":"ec"}`, `{"alg":"ES384","kid":"ec"}`,
		`{"alg":"none","kid":"ec"}`, `{"alg":"HS256","kid":"ec"}`, `{"alg":"ES256"}`, `{"alg":"ES256","kid":7}`,
		`{"alg":"ES256","kid":"ec","crit":["exp"],"jwk":{}}`, `{"kid":"ec"}`, `null`, ``,
	} {
		f.Add(true, []byte(header), good)
		f.Add(false, []byte(header), good)
	}

	for _, payload := range [][]byte{
		claims(change{"sub": "system:serviceaccount:demo:mallory"}), claims(change{"aud": "https://kubernetes.default.svc"}),
		claims(change{"exp": 1}), claims(change{"exp": nil}), claims(change{"iss": "https://elsewhere"}),
		claims(change{"nbf": now.Add(time.Hour).Unix()}), claims(change{"iat": now.Add(time.Hour).Unix()}),
		claims(change{"kubernetes.io": nil}),
		claims(change{"kubernetes.io": map[string]any{"pod": map[string]any{"name": "wall"}}}),
		claims(change{"pad": strings.Repeat("x", 16<<10)}), []byte(`{}`), []byte(`null`), []byte(`[`), nil,
	} {
		f.Add(true, []byte(`{"alg":"ES256","kid":"ec"}`), payload)
	}

	f.Fuzz(func(t *testing.T, signed bool, header, payload []byte) {
		c := checker(t)
		encode := base64.RawURLEncoding.EncodeToString
		raw := encode(header) + "." + encode(payload)
		signature := []byte("none")

		if signed {
			made, err := jwt.SigningMethodES256.Sign(raw, ecKey)
			if err != nil {
				t.Fatal(err)
			}

			signature = made
		}

		raw += "." + encode(signature)

		who, err := c.Check(raw)
		if err != nil {
			checkRefused(t, who, err)

			return
		}

		var said struct{ Alg, Kid string }
		if err := json.Unmarshal(header, &said); err != nil || !signed || said.Alg != "ES256" || said.Kid != "ec" ||
			len(raw) > 16<<10 {
			t.Fatalf("taken with header %q", header)
		}

		// Read once more, without the library's checks.
		var read jwt.RegisteredClaims
		if err := json.Unmarshal(payload, &read); err != nil || read.Issuer != issuer || read.Subject != subject ||
			read.ExpiresAt == nil || read.ExpiresAt.Add(5*time.Second).Before(now) || !who.Expires.Equal(read.ExpiresAt.Time) ||
			who.Subject != subject || !strings.HasPrefix(who.Name(), subject) {
			t.Fatalf("%v: taken as %+v with %q", err, who, payload)
		}
	})
}
