// Package kubelet stands in for a kubelet: it has a node, takes the pods that the scheduler gives it, and reports what
// a kubelet would report of them. No container runs.
//
// Pods come up, fail and stop as annotations on them ask; without any they work. The names are those of Landfall's own
// simulator (crates/simulator), so that one test can run on both:
//
//	simulator.landfall.dev/fault              image-pull, crash-loop, out-of-memory, never-ready
//	simulator.landfall.dev/fault.CONTAINER    the same for one container, init containers among them; only here
//	simulator.landfall.dev/exit-code          what crash-loop exits with, 1 if not set; only here
//	simulator.landfall.dev/ready-after        when a started pod becomes ready, or how long a Job's pod runs: 250ms, 10s, 1m
//	simulator.landfall.dev/log-lines          lines that containers print after their start
//	simulator.landfall.dev/exec               which program answers for an executed command: pg_dump=dump psql=load
//
// An image with `missing` in its name is not found. Secrets and ConfigMaps that a pod names have to be there. Logs are
// served as kubelets serve them; so is exec, by programs of this machine that are named at the start. Attach and
// port-forward are not.
package kubelet

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/kubernetes/scheme"
	corev1 "k8s.io/client-go/kubernetes/typed/core/v1"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/record"

	"landfall.dev/tests/cluster/pki"
)

// NodeName is the one node's name, as in Landfall's simulator.
const NodeName = "simulated-node-1"

// nodeIP is where the API server finds the logs.
const nodeIP = "127.0.0.1"

// Kubelet is a running stand-in.
type Kubelet struct {
	client   kubernetes.Interface
	recorder record.EventRecorder
	factor   float64
	ctx      context.Context
	cancel   context.CancelFunc
	server   *http.Server
	// programs by the names that pods use.
	programs map[string]string

	mu   sync.Mutex
	pods map[types.UID]*pod
}

// Start registers the node and begins to take pods. factor scales all times but those that annotations give;
// certificates are in the folder that package pki made; listener is where logs are served; programs stand in for executed
// commands, by name.
func Start(client kubernetes.Interface, factor float64, certificates string, listener net.Listener, programs map[string]string) (*Kubelet, error) {
	ctx, cancel := context.WithCancel(context.Background())
	broadcaster := record.NewBroadcaster(record.WithContext(ctx))
	broadcaster.StartRecordingToSink(&corev1.EventSinkImpl{Interface: client.CoreV1().Events("")})
	source := v1.EventSource{Component: "kubelet", Host: NodeName}
	k := &Kubelet{
		client: client, recorder: broadcaster.NewRecorder(scheme.Scheme, source), factor: factor,
		ctx: ctx, cancel: cancel, pods: map[types.UID]*pod{}, programs: programs,
	}
	if err := k.serve(certificates, listener); err != nil {
		cancel()
		return nil, err
	}
	if err := k.registerNode(listener.Addr().(*net.TCPAddr).Port); err != nil {
		k.Stop()
		return nil, err
	}
	go k.renewLease()
	k.watchPods()
	return k, nil
}

// Stop leaves everything in the cluster as it is.
func (k *Kubelet) Stop() {
	k.cancel()
	k.server.Close()
}

// answer serves logs and executed commands; the rest says that nothing runs here.
func (k *Kubelet) answer(w http.ResponseWriter, r *http.Request) {
	if strings.HasPrefix(r.URL.Path, "/exec/") {
		k.serveExec(w, r)
		return
	}
	k.serveLogs(w, r)
}

// serve answers requests for logs and executed commands from whoever shows a certificate of the cluster's authority.
func (k *Kubelet) serve(certificates string, listener net.Listener) error {
	file := func(name string) string { return filepath.Join(certificates, name) }
	authority, err := os.ReadFile(file(pki.Authority + ".crt"))
	if err != nil {
		return fmt.Errorf("could not read the cluster's authority: %w", err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(authority)
	k.server = &http.Server{
		Handler:   http.HandlerFunc(k.answer),
		TLSConfig: &tls.Config{ClientCAs: pool, ClientAuth: tls.RequireAndVerifyClientCert},
	}
	go k.server.ServeTLS(listener, file(pki.Kubelet+".crt"), file(pki.Kubelet+".key"))
	return nil
}

// watchPods hears of the node's pods until the kubelet is stopped.
func (k *Kubelet) watchPods() {
	ours := fields.OneTermEqualSelector("spec.nodeName", NodeName)
	source := cache.NewListWatchFromClient(k.client.CoreV1().RESTClient(), "pods", v1.NamespaceAll, ours)
	_, informer := cache.NewInformerWithOptions(cache.InformerOptions{
		ListerWatcher: source, ObjectType: &v1.Pod{},
		Handler: cache.ResourceEventHandlerFuncs{
			AddFunc:    func(object any) { k.see(object.(*v1.Pod)) },
			UpdateFunc: func(_, object any) { k.see(object.(*v1.Pod)) },
			DeleteFunc: k.forget,
		},
	})
	go informer.RunWithContext(k.ctx)
}

// see begins the life of a pod that is new, and the end of one whose deletion has begun.
func (k *Kubelet) see(seen *v1.Pod) {
	k.mu.Lock()
	defer k.mu.Unlock()
	p := k.pods[seen.UID]
	if p == nil {
		over := seen.Status.Phase == v1.PodSucceeded || seen.Status.Phase == v1.PodFailed
		if over && seen.DeletionTimestamp == nil {
			return
		}
		p = newPod(k, seen)
		k.pods[seen.UID] = p
		if seen.DeletionTimestamp == nil {
			go p.live()
		}
	}
	if seen.DeletionTimestamp != nil && !p.stopping {
		p.stopping = true
		go p.end(seen)
	}
}

// forget drops a pod that is gone, however that came.
func (k *Kubelet) forget(object any) {
	if unknown, ok := object.(cache.DeletedFinalStateUnknown); ok {
		object = unknown.Obj
	}
	gone, ok := object.(*v1.Pod)
	if !ok {
		return
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if p := k.pods[gone.UID]; p != nil {
		p.stop()
		p.endRuns()
		delete(k.pods, gone.UID)
	}
}

// find gives the pod of this name that is not on its way out, or else one that is.
func (k *Kubelet) find(namespace, name string) *pod {
	k.mu.Lock()
	defer k.mu.Unlock()
	var found *pod
	for _, p := range k.pods {
		if p.spec.Namespace == namespace && p.spec.Name == name && (found == nil || !p.stopping) {
			found = p
		}
	}
	return found
}

func (k *Kubelet) scaled(d time.Duration) time.Duration {
	return time.Duration(float64(d) * k.factor)
}

// pause is false if ctx ended before the time was over.
func (k *Kubelet) pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return ctx.Err() == nil
	case <-ctx.Done():
		return false
	}
}
