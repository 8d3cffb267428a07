// Package pki makes the certificates and keys of one cluster.
//
// They are made once in a cluster's folder and found there by a process that is started on it again. People and
// components sign in with tokens (package state); client certificates are only what the API server shows to others.
package pki

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
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

// Names of the pairs in the folder, each with `.crt` and `.key`.
const (
	// Authority signs all others but FrontProxy.
	Authority = "ca"
	// Server is what the API server and the door serve with.
	Server = "server"
	// Kubelet is what the stand-in kubelet serves logs with.
	Kubelet = "kubelet"
	// KubeletClient is what the API server shows to the kubelet.
	KubeletClient = "kubelet-client"
	// FrontAuthority signs FrontProxy alone.
	FrontAuthority = "front-ca"
	// FrontProxy is what the API server shows to aggregated API servers.
	FrontProxy = "front-proxy"
	// ServiceAccounts is the key pair that signs tokens of ServiceAccounts: `.pub` and `.key`.
	ServiceAccounts = "service-accounts"
)

// FrontProxyName is the common name of the front proxy's certificate.
const FrontProxyName = "front-proxy-client"

// Lifetime of every certificate; no test cluster lives as long.
const lifetime = 10 * 365 * 24 * time.Hour

// pair is a certificate with its key.
type pair struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
}

// Ensure makes everything in folder, if it is not there yet. serviceIP is the address of the Service `kubernetes`.
func Ensure(folder string, serviceIP net.IP) error {
	if _, err := os.Stat(folder); err == nil {
		return nil
	}
	// Made beside it and moved: what is there is complete.
	half := folder + ".new"
	if err := os.RemoveAll(half); err != nil {
		return fmt.Errorf("could not clear %s: %w", half, err)
	}
	if err := os.MkdirAll(half, 0o700); err != nil {
		return fmt.Errorf("could not make the folder of certificates: %w", err)
	}
	if err := makeAll(half, serviceIP); err != nil {
		return fmt.Errorf("could not make the cluster's certificates in %s: %w", half, err)
	}
	return os.Rename(half, folder)
}

func makeAll(folder string, serviceIP net.IP) error {
	authority, err := makePair(folder, Authority, authorityTemplate("landfall-test-cluster"), nil)
	if err != nil {
		return err
	}
	front, err := makePair(folder, FrontAuthority, authorityTemplate("landfall-test-front-proxy"), nil)
	if err != nil {
		return err
	}
	loopback := net.IPv4(127, 0, 0, 1)
	server := serverTemplate("kube-apiserver", loopback, serviceIP)
	server.DNSNames = []string{"localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc"}
	for _, one := range []struct {
		name     string
		template *x509.Certificate
		by       *pair
	}{
		{Server, server, authority},
		{Kubelet, serverTemplate("kubelet", loopback), authority},
		{KubeletClient, clientTemplate("kube-apiserver-kubelet-client"), authority},
		{FrontProxy, clientTemplate(FrontProxyName), front},
	} {
		if _, err := makePair(folder, one.name, one.template, one.by); err != nil {
			return err
		}
	}
	return makeServiceAccountKeys(folder)
}

func authorityTemplate(name string) *x509.Certificate {
	return &x509.Certificate{
		Subject: pkix.Name{CommonName: name}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
	}
}

func serverTemplate(name string, addresses ...net.IP) *x509.Certificate {
	return &x509.Certificate{
		Subject: pkix.Name{CommonName: name}, IPAddresses: addresses,
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
}

func clientTemplate(name string) *x509.Certificate {
	return &x509.Certificate{
		Subject:  pkix.Name{CommonName: name},
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}
}

// makePair signs a certificate, itself if by is nil, and writes it and its key.
func makePair(folder, name string, template *x509.Certificate, by *pair) (*pair, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	template.SerialNumber, err = rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		return nil, err
	}
	// Clocks of the same machine may be set back a little.
	template.NotBefore, template.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(lifetime)
	if by == nil {
		by = &pair{template, key}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, by.certificate, key.Public(), by.key)
	if err != nil {
		return nil, err
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, err
	}
	if err := write(folder, name+".crt", "CERTIFICATE", der); err != nil {
		return nil, err
	}
	return &pair{certificate, key}, writeKey(folder, name, key)
}

// makeServiceAccountKeys makes an RSA pair, which every version of the API server signs tokens with.
func makeServiceAccountKeys(folder string) error {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return err
	}
	public, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		return err
	}
	if err := write(folder, ServiceAccounts+".pub", "PUBLIC KEY", public); err != nil {
		return err
	}
	der := x509.MarshalPKCS1PrivateKey(key)
	return write(folder, ServiceAccounts+".key", "RSA PRIVATE KEY", der)
}

func writeKey(folder, name string, key crypto.PrivateKey) error {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	return write(folder, name+".key", "PRIVATE KEY", der)
}

func write(folder, name, kind string, der []byte) error {
	text := pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
	return os.WriteFile(filepath.Join(folder, name), text, 0o600)
}
