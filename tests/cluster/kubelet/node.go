package kubelet

import (
	"encoding/json"
	"fmt"
	"runtime"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/klog/v2"
)

const (
	leaseNamespace = "kube-node-lease"
	leaseSeconds   = 40
	leaseRenewal   = 10 * time.Second
)

// registerNode makes the node, or takes over the one of an earlier process, and reports it ready.
func (k *Kubelet) registerNode(port int) error {
	node := &v1.Node{ObjectMeta: metav1.ObjectMeta{
		Name: NodeName,
		Labels: map[string]string{
			v1.LabelArchStable: runtime.GOARCH, v1.LabelHostname: NodeName, v1.LabelOSStable: "linux",
		},
	}}
	nodes := k.client.CoreV1().Nodes()
	if _, err := nodes.Create(k.ctx, node, metav1.CreateOptions{}); err != nil && !errors.IsAlreadyExists(err) {
		return fmt.Errorf("could not make the node %s: %w", NodeName, err)
	}
	patch, err := json.Marshal(map[string]any{"status": nodeStatus(port)})
	if err != nil {
		return fmt.Errorf("the node's status is not JSON: %w", err)
	}
	_, err = nodes.Patch(k.ctx, NodeName, types.StrategicMergePatchType, patch, metav1.PatchOptions{}, "status")
	if err != nil {
		return fmt.Errorf("could not report the node %s: %w", NodeName, err)
	}
	return nil
}

func nodeStatus(port int) v1.NodeStatus {
	room := v1.ResourceList{
		v1.ResourceCPU: resource.MustParse("16"), v1.ResourceMemory: resource.MustParse("64Gi"),
		v1.ResourcePods: resource.MustParse("1000"), v1.ResourceEphemeralStorage: resource.MustParse("500Gi"),
	}
	now := metav1.Now()
	condition := func(kind v1.NodeConditionType, is v1.ConditionStatus, reason string) v1.NodeCondition {
		return v1.NodeCondition{Type: kind, Status: is, Reason: reason, LastHeartbeatTime: now, LastTransitionTime: now}
	}
	return v1.NodeStatus{
		Capacity: room, Allocatable: room,
		Addresses: []v1.NodeAddress{
			{Type: v1.NodeInternalIP, Address: nodeIP}, {Type: v1.NodeHostName, Address: NodeName},
		},
		DaemonEndpoints: v1.NodeDaemonEndpoints{KubeletEndpoint: v1.DaemonEndpoint{Port: int32(port)}},
		NodeInfo: v1.NodeSystemInfo{
			KubeletVersion: "v1.37.2-simulated", OperatingSystem: "linux", Architecture: runtime.GOARCH,
			OSImage: "Landfall test cluster", ContainerRuntimeVersion: "simulated://0.0.0",
		},
		Conditions: []v1.NodeCondition{
			condition(v1.NodeReady, v1.ConditionTrue, "KubeletReady"),
			condition(v1.NodeMemoryPressure, v1.ConditionFalse, "KubeletHasSufficientMemory"),
			condition(v1.NodeDiskPressure, v1.ConditionFalse, "KubeletHasNoDiskPressure"),
			condition(v1.NodePIDPressure, v1.ConditionFalse, "KubeletHasSufficientPID"),
		},
	}
}

// renewLease keeps the node from being thought lost.
func (k *Kubelet) renewLease() {
	for {
		if err := k.writeLease(); err != nil && k.ctx.Err() == nil {
			klog.ErrorS(err, "The node's lease could not be renewed")
		}
		if !k.pause(k.ctx, leaseRenewal) {
			return
		}
	}
}

func (k *Kubelet) writeLease() error {
	leases := k.client.CoordinationV1().Leases(leaseNamespace)
	holder, seconds, now := NodeName, int32(leaseSeconds), metav1.NewMicroTime(time.Now())
	spec := coordinationv1.LeaseSpec{HolderIdentity: &holder, LeaseDurationSeconds: &seconds, RenewTime: &now}
	lease, err := leases.Get(k.ctx, NodeName, metav1.GetOptions{})
	if errors.IsNotFound(err) {
		lease = &coordinationv1.Lease{ObjectMeta: metav1.ObjectMeta{Name: NodeName, Namespace: leaseNamespace}, Spec: spec}
		_, err = leases.Create(k.ctx, lease, metav1.CreateOptions{})
		return err
	}
	if err != nil {
		return err
	}
	lease.Spec = spec
	_, err = leases.Update(k.ctx, lease, metav1.UpdateOptions{})
	return err
}
