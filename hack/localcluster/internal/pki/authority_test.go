package pki

import (
	"crypto/x509"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"
)

func serverLeaf() Leaf {
	return Leaf{
		Name: "server", CommonName: "system:node:n", Organization: "system:nodes",
		DNS: []string{"n"}, IPs: []net.IP{net.IPv4(10, 0, 0, 1)},
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

func TestIssuedCertificateVerifies(t *testing.T) {
	dir := t.TempDir()
	a, err := OpenAuthority(dir, "ca")
	if err != nil {
		t.Fatal(err)
	}
	pair, err := a.Issue(serverLeaf())
	if err != nil {
		t.Fatal(err)
	}
	cert, _, err := readPair(pair.CertFile, pair.KeyFile)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(a.cert)
	for _, name := range []string{"n", "10.0.0.1"} {
		if _, err := cert.Verify(x509.VerifyOptions{Roots: roots, DNSName: name}); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if info, err := os.Stat(pair.KeyFile); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("key file: %v, %v", info, err)
	}
}

func TestCertificatesAreKeptWhileTheyFit(t *testing.T) {
	dir := t.TempDir()
	start := time.Now()
	now := start
	open := func() *Authority {
		a, err := openAuthority(dir, "ca", func() time.Time { return now })
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
	issue := func(leaf Leaf) string {
		pair, err := open().Issue(leaf)
		if err != nil {
			t.Fatal(err)
		}
		return read(t, pair.CertFile)
	}
	first := issue(serverLeaf())
	if issue(serverLeaf()) != first {
		t.Error("issued again although the certificate fits")
	}

	moreNames := serverLeaf()
	moreNames.IPs = append(moreNames.IPs, net.IPv4(10, 0, 0, 2))
	second := issue(moreNames)
	if second == first {
		t.Error("kept although the addresses changed")
	}

	authority := read(t, filepath.Join(dir, "ca.crt"))
	now = start.Add(lifetime - renewBefore + time.Hour)
	third := issue(moreNames)
	if read(t, filepath.Join(dir, "ca.crt")) == authority {
		t.Error("authority kept although about to expire")
	}
	if third == second {
		t.Error("certificate kept although signed by the authority before")
	}

	now = start.Add(-48 * time.Hour)
	if issue(moreNames) == third {
		t.Error("kept although not valid yet")
	}
}

func TestTornPairIsReplaced(t *testing.T) {
	dir := t.TempDir()
	a, err := OpenAuthority(dir, "ca")
	if err != nil {
		t.Fatal(err)
	}
	pair, err := a.Issue(serverLeaf())
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(pair.KeyFile, []byte(read(t, a.KeyFile)), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := a.Issue(serverLeaf()); err != nil {
		t.Fatal(err)
	}
	if _, _, err := readPair(pair.CertFile, pair.KeyFile); err != nil {
		t.Errorf("pair still torn: %v", err)
	}
}

func TestSigningKeyIsKept(t *testing.T) {
	dir := t.TempDir()
	private, public, err := EnsureSigningKey(dir)
	if err != nil {
		t.Fatal(err)
	}
	before := read(t, private) + read(t, public)
	if err := os.Remove(public); err != nil {
		t.Fatal(err)
	}
	if _, _, err := EnsureSigningKey(dir); err != nil {
		t.Fatal(err)
	}
	if read(t, private)+read(t, public) != before {
		t.Error("key changed")
	}
}
