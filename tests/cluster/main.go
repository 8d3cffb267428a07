// Command cluster runs a real Kubernetes control plane for tests, with a stand-in for its one kubelet.
//
// etcd, kube-apiserver, kube-controller-manager and kube-scheduler are the real ones, in one process; containers are
// pretended (package kubelet), addresses and volumes are given by a stand-in (package cloud), and a proxy breaks on
// request what lies between a client and the API server (package door). Everything listens on 127.0.0.1 and everything
// it writes is in the folder it is given. Started again on the same folder, it has the same objects, addresses and tokens.
//
// When it can be used it prints one line of JSON: the paths of two kubeconfigs, straight and through the door, and the
// address of the door's control. Before and after that it prints nothing; its parts log to `log` in the folder. It ends on
// SIGTERM, SIGINT, or when its parent has ended.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"

	"landfall.dev/tests/cluster/cloud"
	"landfall.dev/tests/cluster/door"
	"landfall.dev/tests/cluster/kubelet"
	"landfall.dev/tests/cluster/pki"
	"landfall.dev/tests/cluster/plane"
)

// firstServiceIP is the address of the Service `kubernetes`.
var firstServiceIP = net.IPv4(10, 96, 0, 1)

// ready is the line that tells how the cluster is reached.
type ready struct {
	// Kubeconfig leads straight to the API server.
	Kubeconfig string `json:"kubeconfig"`
	// Door is a kubeconfig that leads through the door.
	Door string `json:"door"`
	// Control is the address of the door's control.
	Control string `json:"control"`
	// Seconds that the start took.
	Seconds float64 `json:"seconds"`
}

func main() {
	folder := flag.String("folder", "", "folder of the cluster, made if it is not there")
	pace := flag.Float64("pace", 0.2, "factor for the stand-in kubelet's times; 1 is as slow as a real one")
	programs := map[string]string{}
	flag.Func("program", "NAME=PATH of a program that stands in for executed commands; may be repeated", func(text string) error {
		name, path, found := strings.Cut(text, "=")
		if !found || name == "" || path == "" {
			return errors.New("give a name and a path")
		}
		programs[name] = path
		return nil
	})
	flag.Parse()
	if *folder == "" || *pace < 0 || flag.NArg() > 0 {
		fmt.Fprintln(os.Stderr, "Usage: cluster -folder FOLDER [-pace FACTOR] [-program NAME=PATH]...")
		os.Exit(2)
	}
	// Watched from the first moment: a parent that ends while the cluster starts takes it along.
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	ctx, leave := untilParentEnds(ctx)
	defer leave()
	own := os.Stderr
	if err := run(ctx, *folder, *pace, programs); err != nil {
		fmt.Fprintf(own, "The test cluster in %s failed: %v\nIts log is %s\n", *folder, err, filepath.Join(*folder, "log"))
		os.Exit(1)
	}
}

// run starts everything, says so, and stops everything when ctx ends.
func run(ctx context.Context, folder string, pace float64, programs map[string]string) error {
	began := time.Now()
	c, err := prepare(folder)
	if err != nil {
		return err
	}
	// Components write to standard error as it stands when they are started.
	if os.Stderr, err = os.OpenFile(c.file("log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600); err != nil {
		return fmt.Errorf("could not open the log: %w", err)
	}
	p, err := plane.Start(plane.Config{
		Folder: c.folder, PKI: c.file("pki"), Tokens: c.file("tokens.csv"), Listener: c.listeners.server,
		ManagerKubeconfig: c.file("manager.kubeconfig"), SchedulerKubeconfig: c.file("scheduler.kubeconfig"),
	})
	if err != nil {
		return err
	}
	defer p.Stop()
	client, err := c.client()
	if err != nil {
		return err
	}
	// Both end before the API server does, which would wait for them.
	surroundings, leave := context.WithCancel(ctx)
	defer leave()
	if err := cloud.Start(surroundings, client); err != nil {
		return err
	}
	k, err := kubelet.Start(client, pace, c.file("pki"), c.listeners.kubelet, programs)
	if err != nil {
		return err
	}
	defer k.Stop()
	d, err := door.Start(c.serverURL(), c.file("pki"), c.listeners.door, c.listeners.control)
	if err != nil {
		return err
	}
	defer d.Stop()
	if err := waitUsable(ctx, client); err != nil {
		return stopped(ctx, err)
	}
	line := ready{
		Kubeconfig: c.file("kubeconfig"), Door: c.file("door.kubeconfig"),
		Control: "http://" + c.listeners.control.Addr().String(), Seconds: time.Since(began).Seconds(),
	}
	if err := json.NewEncoder(os.Stdout).Encode(line); err != nil {
		return fmt.Errorf("nobody reads that the cluster is ready: %w", err)
	}
	select {
	case <-ctx.Done():
		return nil
	case err := <-p.Failed():
		return err
	}
}

// stopped makes an end that was asked for no error.
func stopped(ctx context.Context, err error) error {
	if ctx.Err() != nil && errors.Is(err, ctx.Err()) {
		return nil
	}
	return err
}

// cluster is the folder of a cluster with everything that has to be there before its parts start.
type cluster struct {
	folder    string
	state     state
	listeners listeners
}

func (c *cluster) file(name string) string { return filepath.Join(c.folder, name) }

func (c *cluster) serverURL() string {
	return fmt.Sprintf("https://127.0.0.1:%d", c.state.Ports.Server)
}

// prepare makes certificates, tokens, ports and kubeconfigs, or finds them where a cluster has been before.
func prepare(folder string) (*cluster, error) {
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return nil, fmt.Errorf("could not make the folder: %w", err)
	}
	folder, err := filepath.Abs(folder)
	if err != nil {
		return nil, fmt.Errorf("the folder has no absolute path: %w", err)
	}
	c := &cluster{folder: folder}
	if err := pki.Ensure(c.file("pki"), firstServiceIP); err != nil {
		return nil, err
	}
	if err := c.loadState(); err != nil {
		return nil, err
	}
	return c, c.writeKubeconfigs()
}

// client has the rights of an administrator, and patience with nothing.
func (c *cluster) client() (kubernetes.Interface, error) {
	config, err := clientcmd.BuildConfigFromFlags("", c.file("kubeconfig"))
	if err != nil {
		return nil, fmt.Errorf("the cluster's own kubeconfig cannot be used: %w", err)
	}
	config.QPS, config.Burst, config.UserAgent = 500, 1000, "kubelet"
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return nil, fmt.Errorf("the cluster's own kubeconfig cannot be used: %w", err)
	}
	return client, nil
}
