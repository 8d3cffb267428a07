package plane

import (
	"context"
	"fmt"
	"path/filepath"

	"k8s.io/client-go/tools/cache"
	manager "k8s.io/kubernetes/cmd/kube-controller-manager/app"
	manageroptions "k8s.io/kubernetes/cmd/kube-controller-manager/app/options"
	scheduler "k8s.io/kubernetes/cmd/kube-scheduler/app"
	scheduleroptions "k8s.io/kubernetes/cmd/kube-scheduler/app/options"

	"landfall.dev/tests/cluster/pki"
)

// unhurried lifts the limit of twenty requests a second, which costs five seconds at the start.
var unhurried = []string{"--kube-api-qps=500", "--kube-api-burst=1000"}

// startManager starts the controller manager with all its controllers.
func (p *Plane) startManager(ctx context.Context) error {
	options, err := manageroptions.NewKubeControllerManagerOptions()
	if err != nil {
		return fmt.Errorf("the controller manager has no default options: %w", err)
	}
	known, disabled, aliases := manager.KnownControllers(), manager.ControllersDisabledByDefault(), manager.ControllerAliases()
	flags := append([]string{
		"--kubeconfig=" + p.config.ManagerKubeconfig, "--leader-elect=false", "--secure-port=0", "--profiling=false",
		"--use-service-account-credentials=true",
		"--service-account-private-key-file=" + filepath.Join(p.config.PKI, pki.ServiceAccounts+".key"),
		"--root-ca-file=" + filepath.Join(p.config.PKI, pki.Authority+".crt"),
		// A new node loses its taint with the first look at it; by default that comes after five seconds.
		"--node-monitor-period=500ms",
	}, unhurried...)
	if err := parse(options.Flags(known, disabled, aliases), flags); err != nil {
		return err
	}
	config, err := options.Config(ctx, known, disabled, aliases)
	if err != nil {
		return fmt.Errorf("the controller manager's options do not fit together: %w", err)
	}
	go func() { p.ended("kube-controller-manager", manager.Run(ctx, config.Complete())) }()
	return nil
}

// startScheduler starts the scheduler with its default profile.
func (p *Plane) startScheduler(ctx context.Context) error {
	options := scheduleroptions.NewOptions()
	flags := append([]string{
		"--kubeconfig=" + p.config.SchedulerKubeconfig, "--leader-elect=false", "--secure-port=0", "--profiling=false",
	}, unhurried...)
	if err := parse(*options.Flags, flags); err != nil {
		return err
	}
	var err error
	if options.InformerName, err = cache.NewInformerName("kube-scheduler"); err != nil {
		return fmt.Errorf("the scheduler's informers have no name: %w", err)
	}
	config, built, err := scheduler.Setup(ctx, options)
	if err != nil {
		return fmt.Errorf("could not set the scheduler up: %w", err)
	}
	go func() { p.ended("kube-scheduler", scheduler.Run(ctx, config, built)) }()
	return nil
}
