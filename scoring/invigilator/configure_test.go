package invigilator_test

import (
	"crypto"
	"encoding/base64"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/invigil/invigil/internal/wire"
	"github.com/invigil/invigil/scoring/invigilator"
)

func TestConfigure(t *testing.T) {
	t.Parallel()

	oct := base64.RawURLEncoding.EncodeToString(make([]byte, 32))
	small := newRSA(1024)
	only := func(key any) func(*wire.Invigilators) {
		return func(c *wire.Invigilators) { c.Keys = keySet(t, map[string]any{"rsa": key}) }
	}

	const none = "none that can be used"

	tests := map[string]struct {
		edit func(*wire.Invigilators)
		want string
	}{
		"as it comes": {func(*wire.Invigilators) {}, ""},
		"no issuer":   {func(c *wire.Invigilators) { c.Issuer = "" }, "is missing"},
		"no audience": {func(c *wire.Invigilators) { c.Audience = "" }, "is missing"},
		"no subject":  {func(c *wire.Invigilators) { c.Subject = "" }, "is missing"},
		"no key set":  {func(c *wire.Invigilators) { c.Keys = nil }, "keys: "},
		"no keys":     {func(c *wire.Invigilators) { c.Keys = json.RawMessage(`{"keys":[]}`) }, none},
		"a secret": {func(c *wire.Invigilators) {
			c.Keys = json.RawMessage(`{"keys":[{"kty":"oct","kid":"a","k":"` + oct + `"}]}`)
		}, none},
		"a private key": {only(rsaKey), none},
		"too small":     {only(&small.PublicKey), none},
		"for encryption": {func(c *wire.Invigilators) {
			c.Keys = changed(t, c.Keys, `"use":"sig"`, `"use":"enc"`)
		}, none},
		"one id twice": {func(c *wire.Invigilators) { c.Keys = changed(t, c.Keys, `"kid":"ec"`, `"kid":"rsa"`) }, "one id"},
		"strangers beside": {func(c *wire.Invigilators) {
			c.Keys = changed(t, c.Keys, `{"keys":[`, `{"keys":[{"kty":"new"},{"kty":"oct","kid":"b","k":"`+oct+`"},`)
		}, ""},
	}

	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			c := checker(t)
			next := config(t)
			tc.edit(next)

			switch err := c.Configure(next); {
			case tc.want == "" && err != nil:
				t.Fatal(err)
			case tc.want != "" && (err == nil || !strings.Contains(err.Error(), tc.want)):
				t.Fatalf("error %v, want %q", err, tc.want)
			}

			// What is refused changes nothing.
			if _, err := c.Check(sign(t, jwt.SigningMethodRS256, "rsa", rsaKey, usual())); err != nil {
				t.Error(err)
			}
		})
	}
}

func changed(t *testing.T, keys json.RawMessage, from, to string) json.RawMessage {
	t.Helper()

	after := strings.ReplaceAll(string(keys), from, to)
	if after == string(keys) {
		t.Fatalf("%s is not in %s", from, keys)
	}

	return json.RawMessage(after)
}

// TestHotSwap rotates keys under somebody who was admitted.
func TestHotSwap(t *testing.T) {
	t.Parallel()

	c := invigilator.New(func() time.Time { return now })
	token := sign(t, jwt.SigningMethodRS256, "rsa", rsaKey, usual())

	if _, err := c.Check(token); !errors.Is(err, invigilator.ErrInvalid) {
		t.Fatalf("before it is configured: %v", err)
	}

	configure := func(keys map[string]any, change func(*wire.Invigilators)) {
		t.Helper()

		next := config(t)
		next.Keys = keySet(t, keys)
		change(next)

		if err := c.Configure(next); err != nil {
			t.Fatal(err)
		}
	}
	same := func(*wire.Invigilators) {}
	old := map[string]any{"rsa": &rsaKey.PublicKey}

	configure(old, same)

	who, err := c.Check(token)
	if err != nil {
		t.Fatal(err)
	}

	steps := []struct {
		name   string
		keys   map[string]any
		change func(*wire.Invigilators)
		good   bool
	}{
		{"a key comes", map[string]any{"rsa": &rsaKey.PublicKey, "new": &otherRSA.PublicKey}, same, true},
		{"the key has another id", map[string]any{"renamed": crypto.PublicKey(&rsaKey.PublicKey)}, same, true},
		{"the id is another key's", map[string]any{"rsa": &otherRSA.PublicKey}, same, false},
		{"the key is back", old, same, true},
		{"other subject", old, func(c *wire.Invigilators) { c.Subject += "-2" }, false},
		{"other audience", old, func(c *wire.Invigilators) { c.Audience += "-2" }, false},
		{"other issuer", old, func(c *wire.Invigilators) { c.Issuer += "/" }, false},
	}

	for _, step := range steps {
		_, changed := c.Good(who)
		configure(step.keys, step.change)

		select {
		case <-changed:
		default:
			t.Errorf("%s: nobody was told", step.name)
		}

		if good, _ := c.Good(who); good != step.good {
			t.Errorf("%s: good %t", step.name, good)
		}
	}

	if err := c.Configure(nil); err != nil {
		t.Fatal(err)
	}

	if good, _ := c.Good(who); good {
		t.Error("nobody may watch, and the old token is good")
	}
}
