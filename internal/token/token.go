// Package token makes and checks the signed tokens of an exam: JSON Web Tokens
// (RFC 7519) with Ed25519 signatures (EdDSA, RFC 8037), one key pair for
// students' links and one for what scoring hands out. A token is good for one
// audience and one exam only.
package token

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// Audience says what a token is good for.
type Audience string

// The audiences.
const (
	// Join is a student's link: signed by the operator with the link key.
	Join Audience = "invigil:join"
	// Session is a joined student: signed by scoring with the session key.
	Session Audience = "invigil:session"
	// Media admits one publisher to an SFU pod: signed by scoring with the
	// session key, good for a minute.
	Media Audience = "invigil:media"
	// View admits one viewer to an SFU pod: signed by scoring with the session
	// key, good for a minute.
	View Audience = "invigil:view"
	// Internal admits a component of Invigil to another's internal endpoints:
	// signed with the session key, good for a minute.
	Internal Audience = "invigil:internal"
)

// Errors of Verifier.Verify.
var (
	// ErrExpired: the token was good and is no longer.
	ErrExpired = errors.New("token has expired")
	// ErrInvalid: the token is malformed, has a bad signature or another audience.
	ErrInvalid = errors.New("token is not valid")
	// ErrWrongExam: the token is for another exam.
	ErrWrongExam = errors.New("token is for another exam")
)

// Claims is what a token says. Subject is the student's id, or the component's
// name for the internal audience.
type Claims struct {
	jwt.RegisteredClaims

	// Exam is <namespace>/<name>.
	Exam string `json:"exam"`
	// SessionID is the student's session (audiences session and media).
	SessionID string `json:"sid,omitempty"`
	// Shard is the SFU pod that a media or view grant is for.
	Shard string `json:"shard,omitempty"`
}

// Signer signs tokens of one exam with one key.
type Signer struct {
	key  ed25519.PrivateKey
	exam string
	now  func() time.Time
}

// NewSigner returns a signer for the exam <namespace>/<name>.
func NewSigner(key ed25519.PrivateKey, exam string, now func() time.Time) *Signer {
	return &Signer{key: key, exam: exam, now: now}
}

// Sign returns a token for subject that is good for ttl; 0 means without end,
// for links of an exam without end. Only SessionID and Shard are read from
// extra.
func (s *Signer) Sign(audience Audience, subject string, ttl time.Duration, extra Claims) (string, error) {
	now := s.now()
	claims := Claims{
		RegisteredClaims: jwt.RegisteredClaims{
			Issuer:   "invigil",
			Subject:  subject,
			Audience: jwt.ClaimStrings{string(audience)},
			IssuedAt: jwt.NewNumericDate(now),
		},
		Exam:      s.exam,
		SessionID: extra.SessionID,
		Shard:     extra.Shard,
	}

	if ttl > 0 {
		claims.ExpiresAt = jwt.NewNumericDate(now.Add(ttl))
	}

	signed, err := jwt.NewWithClaims(jwt.SigningMethodEdDSA, claims).SignedString(s.key)
	if err != nil {
		return "", fmt.Errorf("sign %s token: %w", audience, err)
	}

	return signed, nil
}

// SignLink returns a student's link token. It is the same for the same key,
// student and end, so that links do not change while nothing else does. A zero
// end means without end.
func (s *Signer) SignLink(studentID string, end time.Time) (string, error) {
	claims := Claims{
		RegisteredClaims: jwt.RegisteredClaims{
			Issuer:   "invigil",
			Subject:  studentID,
			Audience: jwt.ClaimStrings{string(Join)},
		},
		Exam: s.exam,
	}

	if !end.IsZero() {
		claims.ExpiresAt = jwt.NewNumericDate(end)
	}

	signed, err := jwt.NewWithClaims(jwt.SigningMethodEdDSA, claims).SignedString(s.key)
	if err != nil {
		return "", fmt.Errorf("sign link token: %w", err)
	}

	return signed, nil
}

// Verifier checks tokens of one exam.
type Verifier struct {
	key  ed25519.PublicKey
	exam string
	now  func() time.Time
}

// NewVerifier returns a verifier for the exam <namespace>/<name>.
func NewVerifier(key ed25519.PublicKey, exam string, now func() time.Time) *Verifier {
	return &Verifier{key: key, exam: exam, now: now}
}

// leeway forgives clocks of two pods that differ a little.
const leeway = 5 * time.Second

// maxToken bounds what is looked at, in bytes: our own have a tenth of it.
const maxToken = 4 << 10

// Verify checks signature, audience, exam and time. Errors: ErrExpired,
// ErrWrongExam, ErrInvalid.
func (v *Verifier) Verify(audience Audience, raw string) (*Claims, error) {
	if len(raw) > maxToken {
		return nil, fmt.Errorf("%w: too long", ErrInvalid)
	}

	claims := &Claims{}
	_, err := jwt.ParseWithClaims(raw, claims,
		func(*jwt.Token) (any, error) { return v.key, nil },
		jwt.WithValidMethods([]string{jwt.SigningMethodEdDSA.Alg()}),
		jwt.WithAudience(string(audience)),
		jwt.WithIssuer("invigil"),
		jwt.WithLeeway(leeway),
		jwt.WithTimeFunc(v.now),
	)

	switch {
	case errors.Is(err, jwt.ErrTokenExpired) && !errors.Is(err, jwt.ErrTokenInvalidAudience):
		return nil, ErrExpired
	case err != nil:
		return nil, fmt.Errorf("%w: %w", ErrInvalid, err)
	case claims.Exam != v.exam:
		return nil, ErrWrongExam
	case claims.Subject == "":
		return nil, fmt.Errorf("%w: no subject", ErrInvalid)
	}

	return claims, nil
}

// NewKeyPair makes an Ed25519 key pair in PEM: PKCS #8 and PKIX.
func NewKeyPair() (private, public []byte, err error) {
	pub, priv, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, nil, fmt.Errorf("generate key: %w", err)
	}

	der, err := x509.MarshalPKCS8PrivateKey(priv)
	if err != nil {
		return nil, nil, fmt.Errorf("encode private key: %w", err)
	}

	pubDER, err := x509.MarshalPKIXPublicKey(pub)
	if err != nil {
		return nil, nil, fmt.Errorf("encode public key: %w", err)
	}

	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}),
		pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: pubDER}), nil
}

// ParsePrivateKey reads a PEM-encoded PKCS #8 Ed25519 key.
func ParsePrivateKey(data []byte) (ed25519.PrivateKey, error) {
	block, _ := pem.Decode(data)
	if block == nil {
		return nil, errors.New("private key is not PEM")
	}

	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("private key: %w", err)
	}

	ed, ok := key.(ed25519.PrivateKey)
	if !ok {
		return nil, fmt.Errorf("private key is %T, want Ed25519", key)
	}

	return ed, nil
}

// ParsePublicKey reads a PEM-encoded PKIX Ed25519 key.
func ParsePublicKey(data []byte) (ed25519.PublicKey, error) {
	block, _ := pem.Decode(data)
	if block == nil {
		return nil, errors.New("public key is not PEM")
	}

	key, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("public key: %w", err)
	}

	ed, ok := key.(ed25519.PublicKey)
	if !ok {
		return nil, fmt.Errorf("public key is %T, want Ed25519", key)
	}

	return ed, nil
}
