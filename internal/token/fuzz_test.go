package token_test

import (
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/invigil/invigil/internal/token"
)

// fixed is a key of its own for each seed: what a fuzzer found must be found again.
func fixed(seed byte) ed25519.PrivateKey {
	return ed25519.NewKeyFromSeed([]byte(strings.Repeat(string(rune('a'+seed)), ed25519.SeedSize)))
}

func encoded(part []byte) string { return base64.RawURLEncoding.EncodeToString(part) }

// compact is a token in the compact form, signed whatever it says.
func compact(key ed25519.PrivateKey, header, payload []byte) string {
	signed := encoded(header) + "." + encoded(payload)

	return signed + "." + encoded(ed25519.Sign(key, []byte(signed)))
}

// checkRefused fails unless err is one of the three that Verify is documented to
// have.
func checkRefused(t *testing.T, claims *token.Claims, err error) {
	t.Helper()

	count := 0

	for _, known := range []error{token.ErrExpired, token.ErrInvalid, token.ErrWrongExam} {
		if errors.Is(err, known) {
			count++
		}
	}

	if claims != nil || count != 1 {
		t.Fatalf("claims %+v with error %v", claims, err)
	}
}

// FuzzVerify: without the key nobody gets anything accepted that was not signed.
func FuzzVerify(f *testing.F) {
	key := fixed(0)
	signer := token.NewSigner(key, exam, at(start))
	link, _ := signer.SignLink("ada", start.Add(time.Hour))
	session, _ := signer.Sign(token.Session, "ada", time.Hour, token.Claims{SessionID: "s1"})
	late, _ := signer.SignLink("ada", start.Add(-time.Hour))
	other, _ := token.NewSigner(key, "default/other", at(start)).SignLink("ada", time.Time{})
	forged, _ := token.NewSigner(fixed(1), exam, at(start)).SignLink("mallory", time.Time{})
	payload := `{"iss":"invigil","sub":"mallory","aud":["invigil:join"],"exam":"` + exam + `"}`

	for _, seed := range []string{
		link, session, late, other, forged,
		encoded([]byte(`{"alg":"none"}`)) + "." + encoded([]byte(payload)) + ".",
		encoded([]byte(`{"alg":"HS256"}`)) + "." + encoded([]byte(payload)) + "." + encoded([]byte("x")),
		link[:len(link)-1], link[:len(link)-1] + "A", link + ".", "." + link, link + " ", strings.Replace(link, ".", "..", 1),
		"", ".", "..", "...", "a.b.c", strings.Repeat("A", 5000), strings.Repeat(".", 5000), "\x00\xff",
	} {
		f.Add(seed)
	}

	verifier := token.NewVerifier(key.Public().(ed25519.PublicKey), exam, at(start))

	f.Fuzz(func(t *testing.T, raw string) {
		for _, audience := range []token.Audience{token.Join, token.Session, token.Media, token.View, token.Internal} {
			claims, err := verifier.Verify(audience, raw)
			if err != nil {
				checkRefused(t, claims, err)

				continue
			}

			// The last bits of a signature's base64 may differ; what was signed may not.
			signed := raw[:strings.LastIndexByte(raw, '.')]
			good := map[token.Audience]string{token.Join: link, token.Session: session}[audience]

			if good == "" || signed != good[:strings.LastIndexByte(good, '.')] || claims.Subject != "ada" {
				t.Fatalf("%s takes %q as %+v", audience, raw, claims)
			}
		}
	})
}

// FuzzVerifySigned: what is signed with the right key counts only if it says all
// that it has to.
func FuzzVerifySigned(f *testing.F) {
	const header = `{"alg":"EdDSA","typ":"JWT"}`

	for _, seed := range []struct{ header, payload string }{
		{header, `{"iss":"invigil","sub":"ada","aud":["invigil:join"],"exam":"default/finals"}`},
		{header, `{"iss":"invigil","sub":"ada","aud":"invigil:join","exam":"default/finals","exp":1780304400}`},
		{header, `{"iss":"invigil","sub":"ada","aud":["invigil:join"],"exam":"default/finals","exp":1}`},
		{header, `{"iss":"invigil","sub":"ada","aud":["invigil:session"],"exam":"default/finals","exp":1}`},
		{header, `{"iss":"invigil","sub":"","aud":["invigil:join"],"exam":"default/finals"}`},
		{header, `{"iss":"invigil","sub":"ada","aud":["invigil:join"],"exam":"default/other"}`},
		{header, `{"iss":"other","sub":"ada","aud":["invigil:join"],"exam":"default/finals","nbf":99999999999}`},
		{header, `{"iss":"invigil","sub":"ada","aud":["invigil:join"],"exam":"default/finals","exp":1e300}`},
		{header, `{"iss":"invigil","sub":"ada","aud":["invigil:join"],"exam":"default/finals","exp":-1e300,"exp":null}`},
		{header, `{"EXP":1,"Iss":"invigil","Sub":"ada","AUD":["invigil:join"],"Exam":"default/finals"}`},
		{`{"alg":"none"}`, `{"iss":"invigil","sub":"ada","aud":["invigil:join"],"exam":"default/finals"}`},
		{`{"alg":"RS256","alg":"EdDSA"}`, `{"iss":"invigil","sub":"ada","aud":["invigil:join"],"exam":"default/finals"}`},
		{header, `{"iss":"invigil","sub":"ada","aud":["invigil:join"],"exam":"default/finals","pad":"` +
			strings.Repeat("x", 4000) + `"}`},
		{"null", "null"}, {"[]", "[]"}, {"", ""}, {header, strings.Repeat("[", 2000)},
	} {
		f.Add([]byte(seed.header), []byte(seed.payload))
	}

	key := fixed(0)
	verifier := token.NewVerifier(key.Public().(ed25519.PublicKey), exam, at(start))

	f.Fuzz(func(t *testing.T, header, payload []byte) {
		raw := compact(key, header, payload)

		claims, err := verifier.Verify(token.Join, raw)
		if err != nil {
			checkRefused(t, claims, err)

			return
		}

		var said struct {
			Alg string `json:"alg"`
		}
		if err := json.Unmarshal(header, &said); err != nil || said.Alg != "EdDSA" {
			t.Fatalf("header %q", header)
		}

		// Read once more, without the library's checks.
		var read token.Claims
		if err := json.Unmarshal(payload, &read); err != nil || read.Issuer != "invigil" || read.Subject == "" ||
			read.Exam != exam || len(read.Audience) == 0 || len(raw) > 4<<10 {
			t.Fatalf("%v: taken with %q", err, payload)
		}

		if read.ExpiresAt != nil && read.ExpiresAt.Add(5*time.Second).Before(start) {
			t.Fatalf("taken though it ended at %s", read.ExpiresAt)
		}

		if read.NotBefore != nil && read.NotBefore.Add(-5*time.Second).After(start) {
			t.Fatalf("taken though it begins at %s", read.NotBefore)
		}
	})
}
