package manifests

import (
	"crypto/ed25519"
	"fmt"

	corev1ac "k8s.io/client-go/applyconfigurations/core/v1"

	examv1alpha1 "github.com/invigil/invigil/api/v1alpha1"
	"github.com/invigil/invigil/internal/token"
)

// Files of the keys Secret, PEM.
const (
	LinkKeyFile    = "link.key"
	LinkPubFile    = "link.pub"
	SessionKeyFile = "session.key"
	SessionPubFile = "session.pub"
)

// Keys are an exam's two key pairs, as the keys Secret holds them.
type Keys struct {
	// Link signs students' links, Session all else.
	Link    ed25519.PrivateKey
	Session ed25519.PrivateKey

	files map[string][]byte
}

// NewKeys makes an exam's keys.
func NewKeys() (*Keys, error) {
	linkKey, linkPub, err := token.NewKeyPair()
	if err != nil {
		return nil, fmt.Errorf("link key: %w", err)
	}

	sessionKey, sessionPub, err := token.NewKeyPair()
	if err != nil {
		return nil, fmt.Errorf("session key: %w", err)
	}

	return ReadKeys(map[string][]byte{
		LinkKeyFile: linkKey, LinkPubFile: linkPub, SessionKeyFile: sessionKey, SessionPubFile: sessionPub,
	})
}

// ReadKeys reads the keys from what their Secret holds. Each pair must belong
// together: a wrong half would void every link without a sign of why.
func ReadKeys(data map[string][]byte) (*Keys, error) {
	link, err := readPair(data, LinkKeyFile, LinkPubFile)
	if err != nil {
		return nil, err
	}

	session, err := readPair(data, SessionKeyFile, SessionPubFile)
	if err != nil {
		return nil, err
	}

	files := map[string][]byte{}
	for _, name := range []string{LinkKeyFile, LinkPubFile, SessionKeyFile, SessionPubFile} {
		files[name] = data[name]
	}

	return &Keys{Link: link, Session: session, files: files}, nil
}

func readPair(data map[string][]byte, keyFile, pubFile string) (ed25519.PrivateKey, error) {
	key, err := token.ParsePrivateKey(data[keyFile])
	if err != nil {
		return nil, fmt.Errorf("%s: %w", keyFile, err)
	}

	pub, err := token.ParsePublicKey(data[pubFile])
	if err != nil {
		return nil, fmt.Errorf("%s: %w", pubFile, err)
	}

	if !pub.Equal(key.Public()) {
		return nil, fmt.Errorf("%s does not belong to %s", pubFile, keyFile)
	}

	return key, nil
}

// KeysSecret holds the exam's keys.
func KeysSecret(exam *examv1alpha1.Exam, keys *Keys) *corev1ac.SecretApplyConfiguration {
	return secret(exam, KeysName(exam.Name), ComponentAccess, keys.files)
}
