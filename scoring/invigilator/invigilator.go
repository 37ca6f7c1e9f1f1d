// Package invigilator checks who may watch an exam and act in it: the bearer of
// a Kubernetes ServiceAccount token of the exam's own ServiceAccount, with the
// exam's own audience. It asks nobody: the issuer's public keys are in the
// exam's configuration, so who gets a token is RBAC's word and how long it is
// good is the token's.
package invigilator

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/invigil/invigil/internal/wire"
)

// Errors of Checker.Check.
var (
	// ErrExpired: the token was good and is no longer.
	ErrExpired = errors.New("token has expired")
	// ErrInvalid: no token, or none that this cluster has issued.
	ErrInvalid = errors.New("token is not valid")
	// ErrOtherSubject: a good token, of somebody who is not the exam's invigilator.
	ErrOtherSubject = errors.New("token is of another subject")
	// ErrOtherAudience: a good token, made for something else than this exam.
	ErrOtherAudience = errors.New("token is for another audience")
)

const (
	// leeway forgives clocks of two machines that differ a little.
	leeway = 5 * time.Second
	// maxToken bounds what is looked at: a bound token has about 1.2 KiB.
	maxToken = 16 << 10
)

// Invigilator is whom a token names.
type Invigilator struct {
	// Subject is the ServiceAccount, system:serviceaccount:<namespace>:<name>.
	Subject string
	// Pod is the pod that the token is bound to, if it is bound to one.
	Pod string
	// Credential is the token's own id, which the API server's audit log has
	// beside the name of who created it.
	Credential string
	// Expires is when the token ends.
	Expires time.Time

	grant grant
}

// grant is what of the configuration the token was good by.
type grant struct {
	issuer, audience, subject string
	// key is the thumbprint of the key that signed.
	key string
}

// Name is the invigilator in the exam's records: the subject, and the pod or else
// the credential, since everybody's token has the same subject.
func (i Invigilator) Name() string {
	switch {
	case i.Pod != "":
		return i.Subject + "/" + i.Pod
	case i.Credential != "":
		return i.Subject + "#" + i.Credential
	default:
		return i.Subject
	}
}

// Checker checks tokens by the configuration in force. It is safe for concurrent
// use.
type Checker struct {
	now func() time.Time

	mu sync.Mutex
	// terms are nil while nobody may watch.
	terms *terms
	// changed is closed and replaced with each new configuration.
	changed chan struct{}
}

// terms are the configuration, read.
type terms struct {
	issuer, audience, subject string
	keys                      map[string]key
}

// New returns a checker that takes no token until it is configured.
func New(now func() time.Time) *Checker {
	return &Checker{now: now, changed: make(chan struct{})}
}

var errIncomplete = errors.New("issuer, audience or subject is missing")

// Configure puts a new configuration in force; nil means nobody. An error changes
// nothing.
func (c *Checker) Configure(config *wire.Invigilators) error {
	var next *terms

	if config != nil {
		if config.Issuer == "" || config.Audience == "" || config.Subject == "" {
			return fmt.Errorf("invigilators: %w", errIncomplete)
		}

		keys, err := readKeys(config.Keys)
		if err != nil {
			return fmt.Errorf("invigilators: %w", err)
		}

		next = &terms{issuer: config.Issuer, audience: config.Audience, subject: config.Subject, keys: keys}
	}

	c.mu.Lock()
	defer c.mu.Unlock()

	c.terms = next

	close(c.changed)
	c.changed = make(chan struct{})

	return nil
}

// Good is whether the configuration in force still admits who was admitted
// before: the same issuer, audience and subject, and the key that signed. changed
// is closed when there is another configuration. Time is not looked at.
func (c *Checker) Good(who Invigilator) (good bool, changed <-chan struct{}) {
	c.mu.Lock()
	defer c.mu.Unlock()

	if c.terms == nil || who.grant.issuer != c.terms.issuer || who.grant.audience != c.terms.audience ||
		who.grant.subject != c.terms.subject {
		return false, c.changed
	}

	for _, key := range c.terms.keys {
		if key.thumbprint == who.grant.key {
			return true, c.changed
		}
	}

	return false, c.changed
}

// claims are what is read of a ServiceAccount token.
type claims struct {
	jwt.RegisteredClaims

	Kubernetes struct {
		Pod struct {
			Name string `json:"name"`
		} `json:"pod"`
	} `json:"kubernetes.io"`
}

// Check says whose token it is. Errors: ErrExpired, ErrInvalid, ErrOtherSubject,
// ErrOtherAudience.
func (c *Checker) Check(raw string) (Invigilator, error) {
	c.mu.Lock()
	terms := c.terms
	c.mu.Unlock()

	if terms == nil || raw == "" || len(raw) > maxToken {
		return Invigilator{}, ErrInvalid
	}

	var (
		said claims
		used key
	)

	_, err := jwt.ParseWithClaims(raw, &said,
		func(token *jwt.Token) (any, error) {
			var err error

			used, err = terms.keyOf(token)

			return used.public, err
		},
		jwt.WithValidMethods(methods()),
		jwt.WithIssuer(terms.issuer),
		jwt.WithAudience(terms.audience),
		jwt.WithExpirationRequired(),
		jwt.WithLeeway(leeway),
		jwt.WithTimeFunc(c.now),
	)
	if err := sorted(err, said, terms); err != nil {
		return Invigilator{}, err
	}

	return Invigilator{
		Subject: said.Subject, Pod: said.Kubernetes.Pod.Name, Credential: said.ID, Expires: said.ExpiresAt.Time,
		grant: grant{terms.issuer, terms.audience, terms.subject, used.thumbprint},
	}, nil
}

// sorted turns what the parser found into one error. Of several faults the one
// counts that a new token would not mend. What is not signed by the issuer is
// ErrInvalid, whatever else it says.
func sorted(err error, said claims, terms *terms) error {
	unmendable := []error{
		jwt.ErrTokenMalformed, jwt.ErrTokenUnverifiable, jwt.ErrTokenSignatureInvalid, jwt.ErrTokenInvalidIssuer,
		jwt.ErrTokenRequiredClaimMissing, jwt.ErrTokenNotValidYet, jwt.ErrTokenUsedBeforeIssued,
	}
	for _, fault := range unmendable {
		if errors.Is(err, fault) {
			return fmt.Errorf("%w: %w", ErrInvalid, err)
		}
	}

	switch {
	case errors.Is(err, jwt.ErrTokenInvalidAudience):
		return ErrOtherAudience
	case (err == nil || errors.Is(err, jwt.ErrTokenInvalidClaims)) && said.Subject != terms.subject:
		return ErrOtherSubject
	case errors.Is(err, jwt.ErrTokenExpired):
		return ErrExpired
	case err != nil:
		return fmt.Errorf("%w: %w", ErrInvalid, err)
	default:
		return nil
	}
}
