package sdkv2_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"quire/test/quiretest"
)

// certified is a server's certificate of its own authority.
var certified quiretest.Options

// TestMain makes the certificate before anything else, for the SDK asks the
// discovery endpoint by the system's authorities, and a process reads those
// once.
func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "quire-sdkv2-")
	if err == nil {
		certified, err = certify(dir)
	}
	if err == nil {
		err = os.Setenv("SSL_CERT_FILE", certified.TLSCert)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	code := m.Run()
	_ = os.RemoveAll(dir)
	os.Exit(code)
}

// certify writes a certificate for this machine's loopback address.
func certify(dir string) (quiretest.Options, error) {
	o := quiretest.Options{TLSCert: filepath.Join(dir, "cert.pem"), TLSKey: filepath.Join(dir, "key.pem")}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return o, err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1),
		NotBefore:    time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true,
		KeyUsage:    x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return o, err
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return o, err
	}
	if err := os.WriteFile(o.TLSCert, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert}), 0o600); err != nil {
		return o, err
	}
	return o, os.WriteFile(o.TLSKey, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}), 0o600)
}
