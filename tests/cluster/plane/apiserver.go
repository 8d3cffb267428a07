package plane

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"time"

	logsapi "k8s.io/component-base/logs/api/v1"
	apiserver "k8s.io/kubernetes/cmd/kube-apiserver/app"
	"k8s.io/kubernetes/cmd/kube-apiserver/app/options"

	"landfall.dev/tests/cluster/pki"
)

// serviceRange holds the addresses of Services; its first is that of `kubernetes`.
const serviceRange = "10.96.0.0/16"

// startAPIServer starts the API server and waits until it is ready.
func (p *Plane) startAPIServer(ctx context.Context) error {
	server := options.NewServerRunOptions()
	if err := parse(server.Flags(), p.apiServerFlags()); err != nil {
		return err
	}
	server.SecureServing.Listener = p.config.Listener
	// Feature gates are one set for the whole process.
	if err := server.GenericServerRunOptions.ComponentGlobalsRegistry.Set(); err != nil {
		return fmt.Errorf("could not set the feature gates: %w", err)
	}
	if err := logsapi.ValidateAndApply(server.Logs, nil); err != nil {
		return fmt.Errorf("could not set logging up: %w", err)
	}
	completed, err := server.Complete(ctx)
	if err != nil {
		return fmt.Errorf("the API server's options do not fit together: %w", err)
	}
	go func() {
		defer close(p.apiDone)
		p.ended("kube-apiserver", apiserver.Run(ctx, completed))
	}()
	return p.waitReady(ctx)
}

func (p *Plane) apiServerFlags() []string {
	file := func(name string) string { return filepath.Join(p.config.PKI, name) }
	return []string{
		"--etcd-servers=" + p.socket(),
		"--bind-address=127.0.0.1", "--advertise-address=127.0.0.1", "--endpoint-reconciler-type=none",
		"--tls-cert-file=" + file(pki.Server+".crt"), "--tls-private-key-file=" + file(pki.Server+".key"),
		"--client-ca-file=" + file(pki.Authority+".crt"), "--cert-dir=" + filepath.Join(p.config.Folder, "certs"),
		"--token-auth-file=" + p.config.Tokens,
		"--service-account-issuer=https://kubernetes.default.svc.cluster.local",
		"--service-account-key-file=" + file(pki.ServiceAccounts+".pub"),
		"--service-account-signing-key-file=" + file(pki.ServiceAccounts+".key"),
		"--authorization-mode=Node,RBAC", "--enable-admission-plugins=NodeRestriction",
		"--allow-privileged=true", "--service-cluster-ip-range=" + serviceRange,
		"--kubelet-client-certificate=" + file(pki.KubeletClient+".crt"),
		"--kubelet-client-key=" + file(pki.KubeletClient+".key"),
		"--kubelet-certificate-authority=" + file(pki.Authority+".crt"),
		"--kubelet-preferred-address-types=InternalIP",
		"--requestheader-client-ca-file=" + file(pki.FrontAuthority+".crt"),
		"--requestheader-allowed-names=" + pki.FrontProxyName,
		"--requestheader-username-headers=X-Remote-User", "--requestheader-group-headers=X-Remote-Group",
		"--requestheader-extra-headers-prefix=X-Remote-Extra-",
		"--proxy-client-cert-file=" + file(pki.FrontProxy+".crt"),
		"--proxy-client-key-file=" + file(pki.FrontProxy+".key"),
		"--profiling=false",
	}
}

// waitReady asks /readyz until it says yes, or the API server has ended.
func (p *Plane) waitReady(ctx context.Context) error {
	authority, err := os.ReadFile(filepath.Join(p.config.PKI, pki.Authority+".crt"))
	if err != nil {
		return fmt.Errorf("could not read the cluster's authority: %w", err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(authority)
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}}
	defer transport.CloseIdleConnections()
	client := http.Client{Timeout: 5 * time.Second, Transport: transport}
	url := fmt.Sprintf("https://%s/readyz", p.config.Listener.Addr())
	for {
		if answer, err := client.Get(url); err == nil {
			answer.Body.Close()
			if answer.StatusCode == http.StatusOK {
				return nil
			}
		}
		select {
		case <-time.After(30 * time.Millisecond):
		case <-p.apiDone:
			return fmt.Errorf("the API server ended before it was ready; its log tells why")
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
