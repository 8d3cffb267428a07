package main

import (
	"context"
	"os"
	"time"

	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"landfall.dev/tests/cluster/kubelet"
)

// untilParentEnds ends with ctx, or when the process that started this one is gone.
//
// Asked for again and again: no signal tells of it everywhere, and Linux's own (PR_SET_PDEATHSIG) also comes when only the
// thread that started this process ends, which test runners' threads do.
func untilParentEnds(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	parent := os.Getppid()
	go func() {
		for ctx.Err() == nil {
			if os.Getppid() != parent {
				cancel()
			}
			time.Sleep(300 * time.Millisecond)
		}
	}()
	return ctx, cancel
}

// waitUsable waits until a pod that is made now would come up: the node is ready and takes pods, and the ServiceAccount
// is there without which admission refuses them.
func waitUsable(ctx context.Context, client kubernetes.Interface) error {
	for {
		node, err := client.CoreV1().Nodes().Get(ctx, kubelet.NodeName, metav1.GetOptions{})
		if err == nil && takesPods(node) {
			_, err = client.CoreV1().ServiceAccounts(metav1.NamespaceDefault).Get(ctx, "default", metav1.GetOptions{})
			if err == nil {
				return nil
			}
		}
		select {
		case <-time.After(30 * time.Millisecond):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func takesPods(node *v1.Node) bool {
	for _, condition := range node.Status.Conditions {
		if condition.Type == v1.NodeReady {
			return condition.Status == v1.ConditionTrue && len(node.Spec.Taints) == 0
		}
	}
	return false
}
