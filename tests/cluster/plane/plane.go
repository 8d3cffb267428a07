// Package plane runs etcd, kube-apiserver, kube-controller-manager and kube-scheduler in this process.
//
// The stock commands cannot share a process (each sets logging and signals up for itself); their parts can, and that
// is a third of the memory and half of the start. The price: none of them can be ended alone. A test that wants
// the API server gone closes the door (package door), or kills the process and starts it on the same folder.
package plane

import (
	"context"
	"fmt"
	"net"
	"time"

	"github.com/spf13/pflag"
	"go.etcd.io/etcd/server/v3/embed"
	cliflag "k8s.io/component-base/cli/flag"
)

// Patience with an API server that has open watches; by itself it would wait for them for a minute.
const patience = 3 * time.Second

// Config is where a control plane finds its files. All of them exist before it is started.
type Config struct {
	// Folder keeps etcd's data and its socket.
	Folder string
	// PKI is the folder that package pki made.
	PKI string
	// Tokens is the file of tokens that the API server accepts.
	Tokens string
	// Listener of the API server, on 127.0.0.1.
	Listener net.Listener
	// ManagerKubeconfig is the controller manager's way in.
	ManagerKubeconfig string
	// SchedulerKubeconfig is the scheduler's way in.
	SchedulerKubeconfig string
}

// Plane is a running control plane.
type Plane struct {
	config Config
	etcd   *embed.Etcd
	cancel context.CancelFunc
	// apiDone is closed when the API server has ended.
	apiDone chan struct{}
	// failed gets what ended while nobody had asked for it.
	failed chan error
}

// Start returns when the API server is ready and the rest has been started. Failures afterwards come by Failed.
func Start(config Config) (*Plane, error) {
	ctx, cancel := context.WithCancel(context.Background())
	p := &Plane{config: config, cancel: cancel, apiDone: make(chan struct{}), failed: make(chan error, 3)}
	if err := p.startEtcd(); err != nil {
		cancel()
		return nil, err
	}
	for _, start := range []func(context.Context) error{p.startAPIServer, p.startManager, p.startScheduler} {
		if err := start(ctx); err != nil {
			p.Stop()
			return nil, err
		}
	}
	return p, nil
}

// Failed gives the error of a component that ended by itself.
func (p *Plane) Failed() <-chan error { return p.failed }

// Stop ends everything, the API server within a few seconds even if clients watch.
func (p *Plane) Stop() {
	p.cancel()
	select {
	case <-p.apiDone:
	case <-time.After(patience):
	}
	p.etcd.Close()
}

// ended reports a component's end; one that was asked for is read by nobody.
func (p *Plane) ended(name string, err error) {
	if err == nil {
		err = fmt.Errorf("it ended without an error")
	}
	select {
	case p.failed <- fmt.Errorf("%s: %w", name, err):
	default:
	}
}

// parse sets a component's options from command line flags, the form in which they are documented.
func parse(sets cliflag.NamedFlagSets, flags []string) error {
	all := pflag.NewFlagSet("component", pflag.ContinueOnError)
	for _, set := range sets.FlagSets {
		all.AddFlagSet(set)
	}
	if err := all.Parse(flags); err != nil {
		return fmt.Errorf("a component does not know one of its flags: %w", err)
	}
	return nil
}
