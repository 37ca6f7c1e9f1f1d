package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/golang-jwt/jwt/v5"

	"github.com/invigil/invigil/internal/wire"
)

const (
	issuer   = "https://kubernetes.default.svc"
	audience = "invigil:exam:" + name
	subject  = "system:serviceaccount:" + namespace + ":" + exam + "-invigilator"
)

// cluster signs ServiceAccount tokens as an API server does.
type cluster struct{ key *ecdsa.PrivateKey }

func newCluster() (*cluster, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make key: %w", err)
	}

	return &cluster{key: key}, nil
}

// config is what the exam's configuration has of it.
func (c *cluster) config() (*wire.Invigilators, error) {
	keys, err := json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: &c.key.PublicKey, KeyID: "1", Use: "sig"}}})
	if err != nil {
		return nil, fmt.Errorf("encode key: %w", err)
	}

	return &wire.Invigilators{Issuer: issuer, Audience: audience, Subject: subject, Keys: keys}, nil
}

func (c *cluster) token(end time.Time) (string, error) {
	token := jwt.NewWithClaims(jwt.SigningMethodES256, jwt.MapClaims{
		"iss": issuer, "aud": []string{audience}, "sub": subject, "jti": "bench", "exp": end.Unix(),
	})
	token.Header["kid"] = "1"

	signed, err := token.SignedString(c.key)
	if err != nil {
		return "", fmt.Errorf("sign token: %w", err)
	}

	return signed, nil
}
