// Package door is a proxy in front of the API server through which it can be made slow, refusing, throttling or broken.
//
// Without rules every request passes, tokens with it; client certificates do not. What happens to which requests is
// set on a second port, the control:
//
//	PUT /rules     a JSON list of rules (Rule), in the place of those there were
//	GET /rules     the rules, with how often each has counted
//	PUT /open      true or false: while it is false the door's port refuses connections, and those there were are closed
package door

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"log"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"landfall.dev/tests/cluster/pki"
)

// Door is a running proxy with its control.
type Door struct {
	rules       rules
	proxy       *httputil.ReverseProxy
	certificate tls.Certificate
	control     *http.Server

	mu sync.Mutex
	// server is nil while the door is closed.
	server  *http.Server
	address string
}

// Start serves the door in front of the API server at upstream, and its control. certificates is the folder that
// package pki made.
func Start(upstream, certificates string, listener, control net.Listener) (*Door, error) {
	certificate, err := tls.LoadX509KeyPair(
		filepath.Join(certificates, pki.Server+".crt"), filepath.Join(certificates, pki.Server+".key"))
	if err != nil {
		return nil, fmt.Errorf("could not read the door's certificate: %w", err)
	}
	authority, err := os.ReadFile(filepath.Join(certificates, pki.Authority+".crt"))
	if err != nil {
		return nil, fmt.Errorf("could not read the cluster's authority: %w", err)
	}
	target, err := url.Parse(upstream)
	if err != nil {
		return nil, fmt.Errorf("%q is no address of an API server: %w", upstream, err)
	}
	d := &Door{certificate: certificate, address: listener.Addr().String()}
	d.proxy = newProxy(target, authority)
	d.serve(listener)
	d.control = &http.Server{Handler: d.controls()}
	go d.control.Serve(control)
	return d, nil
}

func newProxy(target *url.URL, authority []byte) *httputil.ReverseProxy {
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(authority)
	return &httputil.ReverseProxy{
		// Watches have to arrive event by event.
		FlushInterval: -1,
		Transport:     &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}},
		Rewrite:       func(r *httputil.ProxyRequest) { r.SetURL(target) },
		ErrorLog:      log.New(os.Stderr, "door: ", 0),
		// A request that was cut, or an API server that is gone: nothing of the door's own is answered.
		ErrorHandler: func(http.ResponseWriter, *http.Request, error) { panic(http.ErrAbortHandler) },
	}
}

// Stop closes the door and its control.
func (d *Door) Stop() {
	d.control.Close()
	d.shut()
}

func (d *Door) serve(listener net.Listener) {
	// HTTP/1.1 alone: a dropped request is then a dropped connection.
	config := &tls.Config{Certificates: []tls.Certificate{d.certificate}, NextProtos: []string{"http/1.1"}}
	server := &http.Server{Handler: http.HandlerFunc(d.pass), ErrorLog: log.New(os.Stderr, "door: ", 0)}
	d.mu.Lock()
	d.server = server
	d.mu.Unlock()
	go server.Serve(tls.NewListener(listener, config))
}

func (d *Door) shut() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.server != nil {
		d.server.Close()
		d.server = nil
	}
}

// open serves again on the port it had.
func (d *Door) open() error {
	d.mu.Lock()
	closed := d.server == nil
	d.mu.Unlock()
	if !closed {
		return nil
	}
	listener, err := net.Listen("tcp", d.address)
	if err != nil {
		return fmt.Errorf("the door cannot be opened again: %w", err)
	}
	d.serve(listener)
	return nil
}

// pass does to a request what its rule says, and hands it to the API server if that leaves it.
func (d *Door) pass(w http.ResponseWriter, r *http.Request) {
	rule := d.rules.find(r)
	if rule.DelayMs > 0 {
		select {
		case <-time.After(time.Duration(rule.DelayMs) * time.Millisecond):
		case <-r.Context().Done():
			return
		}
	}
	switch {
	case rule.Drop:
		panic(http.ErrAbortHandler)
	case rule.Status != 0:
		answer(w, rule)
	case rule.CutMs > 0:
		ctx, over := context.WithTimeout(r.Context(), time.Duration(rule.CutMs)*time.Millisecond)
		defer over()
		d.proxy.ServeHTTP(w, r.WithContext(ctx))
		// Both sides of the proxy hear of the cut at once; what then looks like a good end is none.
		if ctx.Err() != nil {
			panic(http.ErrAbortHandler)
		}
	default:
		d.proxy.ServeHTTP(w, r)
	}
}

// answer gives a Status object as the API server would.
func answer(w http.ResponseWriter, rule Rule) {
	reasons := map[int]string{
		http.StatusTooManyRequests: "TooManyRequests", http.StatusInternalServerError: "InternalError",
		http.StatusServiceUnavailable: "ServiceUnavailable", http.StatusGatewayTimeout: "Timeout",
	}
	status := map[string]any{
		"kind": "Status", "apiVersion": "v1", "metadata": map[string]any{}, "status": "Failure",
		"message": "the test's door answers so", "reason": reasons[rule.Status], "code": rule.Status,
	}
	if rule.RetryAfter > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(rule.RetryAfter))
		status["details"] = map[string]any{"retryAfterSeconds": rule.RetryAfter}
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(rule.Status)
	json.NewEncoder(w).Encode(status)
}

// controls are the control's requests; each answers what holds afterwards.
func (d *Door) controls() http.Handler {
	mux := http.NewServeMux()
	tell := func(w http.ResponseWriter) {
		w.Header().Set("Content-Type", "application/json")
		d.rules.write(w)
	}
	mux.HandleFunc("GET /rules", func(w http.ResponseWriter, _ *http.Request) { tell(w) })
	mux.HandleFunc("PUT /rules", func(w http.ResponseWriter, r *http.Request) {
		list, err := readRules(r.Body)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		d.rules.set(list)
		tell(w)
	})
	mux.HandleFunc("PUT /open", func(w http.ResponseWriter, r *http.Request) {
		var open bool
		if err := json.NewDecoder(r.Body).Decode(&open); err != nil {
			http.Error(w, "say true or false", http.StatusBadRequest)
			return
		}
		if !open {
			d.shut()
		} else if err := d.open(); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		fmt.Fprintln(w, open)
	})
	return mux
}
