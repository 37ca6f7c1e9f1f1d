// Package pki makes the certificates and keys of a local cluster.
package pki

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"
)

// lifetime of certificates, and how long before their end they are renewed. A
// local cluster is up for days at most.
const (
	lifetime    = 365 * 24 * time.Hour
	renewBefore = 30 * 24 * time.Hour
)

// Authority is a certificate authority.
type Authority struct {
	// CertFile and KeyFile hold the authority's certificate and key.
	CertFile, KeyFile string

	cert *x509.Certificate
	key  crypto.Signer
	now  func() time.Time
}

// OpenAuthority reads the authority called name from dir and makes a new one
// when there is none, it is about to expire, or it cannot be read.
func OpenAuthority(dir, name string) (*Authority, error) {
	return openAuthority(dir, name, time.Now)
}

func openAuthority(dir, name string, now func() time.Time) (*Authority, error) {
	a := &Authority{
		CertFile: filepath.Join(dir, name+".crt"),
		KeyFile:  filepath.Join(dir, name+".key"),
		now:      now,
	}
	if cert, key, err := readPair(a.CertFile, a.KeyFile); err == nil && cert.IsCA && stillGood(cert, now()) {
		a.cert, a.key = cert, key
		return a, nil
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make key of %s: %w", name, err)
	}
	template := &x509.Certificate{
		// The subject carries the time: a renewed authority must not be taken
		// for the one it replaces.
		Subject:               pkix.Name{CommonName: fmt.Sprintf("invigil-local-%s-%d", name, now().Unix())},
		KeyUsage:              x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
		BasicConstraintsValid: true,
		IsCA:                  true,
	}
	if err := a.sign(template, template, key.Public(), key); err != nil {
		return nil, fmt.Errorf("make authority %s: %w", name, err)
	}
	a.cert, a.key = template, key
	if err := writePair(a.CertFile, a.KeyFile, template.Raw, key); err != nil {
		return nil, err
	}
	return a, nil
}

// sign completes template, signs it with the key of parent, and leaves the
// result in template.
func (a *Authority) sign(template, parent *x509.Certificate, public crypto.PublicKey, signer crypto.Signer) error {
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return fmt.Errorf("make serial number: %w", err)
	}
	template.SerialNumber = serial
	// An hour of slack, for clocks that are set back a little.
	template.NotBefore = a.now().Add(-time.Hour)
	template.NotAfter = a.now().Add(lifetime)
	der, err := x509.CreateCertificate(rand.Reader, template, parent, public, signer)
	if err != nil {
		return err
	}
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		return err
	}
	*template = *parsed
	return nil
}

// stillGood reports whether a certificate is valid now and for a while.
func stillGood(cert *x509.Certificate, now time.Time) bool {
	return now.After(cert.NotBefore) && now.Add(renewBefore).Before(cert.NotAfter)
}

// PEM returns the authority's certificate.
func (a *Authority) PEM() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.cert.Raw})
}

// Leaf describes a certificate that an Authority signs.
type Leaf struct {
	// Name is the file name without its ending.
	Name string
	// CommonName and Organization are user and group to the API server.
	CommonName, Organization string
	// DNS and IPs are what a server answers to.
	DNS []string
	IPs []net.IP
}

// Pair is where a certificate and its key are.
type Pair struct{ CertFile, KeyFile string }

// Issue returns the certificate that leaf describes and makes it when there is
// none or the one there does not fit: another authority, other names, about to
// expire, unreadable.
func (a *Authority) Issue(leaf Leaf) (Pair, error) {
	dir := filepath.Dir(a.CertFile)
	pair := Pair{filepath.Join(dir, leaf.Name+".crt"), filepath.Join(dir, leaf.Name+".key")}
	if cert, _, err := readPair(pair.CertFile, pair.KeyFile); err == nil && a.fits(cert, leaf) {
		return pair, nil
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return Pair{}, fmt.Errorf("make key of %s: %w", leaf.Name, err)
	}
	template := &x509.Certificate{
		Subject:     pkix.Name{CommonName: leaf.CommonName},
		KeyUsage:    x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
		DNSNames:    leaf.DNS,
		IPAddresses: leaf.IPs,
	}
	if leaf.Organization != "" {
		template.Subject.Organization = []string{leaf.Organization}
	}
	if err := a.sign(template, a.cert, key.Public(), a.key); err != nil {
		return Pair{}, fmt.Errorf("make certificate of %s: %w", leaf.Name, err)
	}
	return pair, writePair(pair.CertFile, pair.KeyFile, template.Raw, key)
}

// EnsureSigningKey makes the key that signs service account tokens, unless
// there is one, and returns the files of its private and public halves.
func EnsureSigningKey(dir string) (private, public string, err error) {
	private, public = filepath.Join(dir, "sa.key"), filepath.Join(dir, "sa.pub")
	if key, err := readKey(private); err == nil {
		if _, err := os.Stat(public); err == nil {
			return private, public, nil
		}
		return private, public, writePublic(public, key)
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return "", "", fmt.Errorf("make token signing key: %w", err)
	}
	if err := writeKey(private, key); err != nil {
		return "", "", err
	}
	return private, public, writePublic(public, key)
}
