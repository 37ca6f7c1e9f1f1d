package pki

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"os"
	"slices"

	"github.com/invigil/invigil/hack/localcluster/internal/atomicfile"
)

// fits reports whether an existing certificate is what leaf asks for.
func (a *Authority) fits(cert *x509.Certificate, leaf Leaf) bool {
	var organizations []string
	if leaf.Organization != "" {
		organizations = []string{leaf.Organization}
	}
	sameIPs := slices.EqualFunc(cert.IPAddresses, leaf.IPs, func(x, y net.IP) bool { return x.Equal(y) })
	return stillGood(cert, a.now()) &&
		cert.CheckSignatureFrom(a.cert) == nil &&
		cert.Subject.CommonName == leaf.CommonName &&
		slices.Equal(cert.Subject.Organization, organizations) &&
		slices.Equal(cert.DNSNames, leaf.DNS) && sameIPs
}

// readPair reads a certificate and its key and checks that they belong
// together, which a run that was killed between two writes may have broken.
func readPair(certFile, keyFile string) (*x509.Certificate, crypto.Signer, error) {
	content, err := os.ReadFile(certFile)
	if err != nil {
		return nil, nil, err
	}
	block, _ := pem.Decode(content)
	if block == nil {
		return nil, nil, fmt.Errorf("%s holds no certificate", certFile)
	}
	cert, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return nil, nil, err
	}
	key, err := readKey(keyFile)
	if err != nil {
		return nil, nil, err
	}
	if public, ok := cert.PublicKey.(*ecdsa.PublicKey); !ok || !public.Equal(key.Public()) {
		return nil, nil, fmt.Errorf("%s is not the key of %s", keyFile, certFile)
	}
	return cert, key, nil
}

func readKey(path string) (crypto.Signer, error) {
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	block, _ := pem.Decode(content)
	if block == nil {
		return nil, errors.New("no key in " + path)
	}
	return x509.ParseECPrivateKey(block.Bytes)
}

func writePair(certFile, keyFile string, der []byte, key *ecdsa.PrivateKey) error {
	if err := writeKey(keyFile, key); err != nil {
		return err
	}
	return writePEM(certFile, "CERTIFICATE", der, 0o644)
}

func writeKey(path string, key *ecdsa.PrivateKey) error {
	der, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		return fmt.Errorf("encode %s: %w", path, err)
	}
	return writePEM(path, "EC PRIVATE KEY", der, 0o600)
}

func writePublic(path string, key crypto.Signer) error {
	der, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		return fmt.Errorf("encode %s: %w", path, err)
	}
	return writePEM(path, "PUBLIC KEY", der, 0o644)
}

func writePEM(path, kind string, der []byte, mode os.FileMode) error {
	return atomicfile.Write(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), mode)
}
