package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/golang-jwt/jwt/v5"

	"github.com/invigil/invigil/internal/wire"
)

const (
	issuer      = "https://kubernetes.default.svc"
	audience    = "invigil:exam:" + namespace + "/" + name
	invigilator = "system:serviceaccount:" + namespace + ":" + name + "-invigilator"
	keyID       = "1"
	// invigilatorTTL: longer than any test.
	invigilatorTTL = 12 * time.Hour
)

// cluster signs ServiceAccount tokens as an API server does.
type cluster struct{ key *ecdsa.PrivateKey }

func newCluster() (*cluster, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make the cluster's key: %w", err)
	}

	return &cluster{key}, nil
}

// config is what the operator writes of it.
func (c *cluster) config() (*wire.Invigilators, error) {
	keys, err := json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: &c.key.PublicKey, KeyID: keyID, Use: "sig"}}})
	if err != nil {
		return nil, fmt.Errorf("encode the cluster's key: %w", err)
	}

	return &wire.Invigilators{Issuer: issuer, Audience: audience, Subject: invigilator, Keys: keys}, nil
}

// command makes the token that `invigilator [SUBJECT] [LIFETIME]` asks for.
func (c *cluster) command(line string) (string, error) {
	subject, ttl := invigilator, invigilatorTTL

	for _, word := range strings.Fields(line) {
		if lifetime, err := time.ParseDuration(word); err == nil {
			ttl = lifetime
		} else {
			subject = word
		}
	}

	// In milliseconds: the lifetimes of tests are short.
	expires := float64(time.Now().Add(ttl).UnixMilli()) / 1000
	token := jwt.NewWithClaims(jwt.SigningMethodES256, jwt.MapClaims{
		"iss": issuer, "aud": []string{audience}, "sub": subject, "jti": rand.Text(), "exp": expires,
	})
	token.Header["kid"] = keyID

	signed, err := token.SignedString(c.key)
	if err != nil {
		return "", fmt.Errorf("sign the invigilator's token: %w", err)
	}

	return signed, nil
}
