package invigilator

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/go-jose/go-jose/v4"
	"github.com/golang-jwt/jwt/v5"
)

// minRSA is the least size of an RSA key, in bits (RFC 7518, section 3.3).
const minRSA = 2048

var (
	errNoKeys     = errors.New("keys hold none that can be used")
	errKeyTwice   = errors.New("two keys have one id")
	errUnknownKey = errors.New("no such key")
	errAlgorithm  = errors.New("not the key's algorithm")
)

// key is one public key of the issuer.
type key struct {
	public crypto.PublicKey
	// algorithm is the key's own: a token has no say in it.
	algorithm string
	// thumbprint is the key's name whatever its id (RFC 7638).
	thumbprint string
}

// methods are the algorithms that an API server signs with.
func methods() []string {
	return []string{
		jwt.SigningMethodRS256.Alg(), jwt.SigningMethodES256.Alg(),
		jwt.SigningMethodES384.Alg(), jwt.SigningMethodES512.Alg(),
	}
}

// readKeys reads a JSON Web Key Set, by key id. Keys of kinds that sign no
// ServiceAccount tokens are left out; a set with no other is an error.
func readKeys(data json.RawMessage) (map[string]key, error) {
	var set struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if err := json.Unmarshal(data, &set); err != nil {
		return nil, fmt.Errorf("keys: %w", err)
	}

	keys := map[string]key{}

	for _, raw := range set.Keys {
		var web jose.JSONWebKey
		if json.Unmarshal(raw, &web) != nil || !usable(web) {
			continue
		}

		if _, twice := keys[web.KeyID]; twice {
			return nil, fmt.Errorf("%w: %q", errKeyTwice, web.KeyID)
		}

		thumbprint, err := web.Thumbprint(crypto.SHA256)
		if err != nil {
			return nil, fmt.Errorf("key %q: %w", web.KeyID, err)
		}

		keys[web.KeyID] = key{
			public: web.Key, algorithm: algorithmOf(web.Key), thumbprint: base64.RawURLEncoding.EncodeToString(thumbprint),
		}
	}

	if len(keys) == 0 {
		return nil, errNoKeys
	}

	return keys, nil
}

// usable is whether the key is a public one, for signatures, of a kind and an
// algorithm that belong together.
func usable(web jose.JSONWebKey) bool {
	algorithm := algorithmOf(web.Key)

	return algorithm != "" && web.KeyID != "" && web.Valid() && (web.Use == "" || web.Use == "sig") &&
		(web.Algorithm == "" || web.Algorithm == algorithm)
}

// algorithmOf is what a key signs with; "" for a key that is none of ours.
func algorithmOf(public any) string {
	switch public := public.(type) {
	case *rsa.PublicKey:
		if public.N.BitLen() >= minRSA {
			return jwt.SigningMethodRS256.Alg()
		}
	case *ecdsa.PublicKey:
		switch public.Curve {
		case elliptic.P256():
			return jwt.SigningMethodES256.Alg()
		case elliptic.P384():
			return jwt.SigningMethodES384.Alg()
		case elliptic.P521():
			return jwt.SigningMethodES512.Alg()
		}
	}

	return ""
}

// keyOf finds the key that a token says it is signed with.
func (t *terms) keyOf(token *jwt.Token) (key, error) {
	id, _ := token.Header["kid"].(string)

	found, ok := t.keys[id]

	switch {
	case !ok:
		return key{}, errUnknownKey
	case token.Method.Alg() != found.algorithm:
		return key{}, errAlgorithm
	default:
		return found, nil
	}
}
