// Package cloud stands in for what a cluster's surroundings give: addresses of LoadBalancer Services and Ingresses, and
// volumes for claims. Nothing is routed and nothing is stored.
//
// The real controller manager binds the volumes; this only makes one per claim of the default StorageClass and
// deletes what has been released.
package cloud

import (
	"context"
	"fmt"
	"time"

	v1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	storagev1 "k8s.io/api/storage/v1"
	"k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"
	"k8s.io/klog/v2"
)

const (
	// className is the default StorageClass, as in Landfall's simulator.
	className   = "standard"
	provisioner = "simulator.landfall.dev/volumes"
	// asked is how the controller manager asks for a claim's volume, and whom.
	asked = "volume.kubernetes.io/storage-provisioner"
	// Networks for documentation (RFC 5737).
	serviceAddress = "203.0.113.10"
	ingressAddress = "198.51.100.10"
)

// Start makes the StorageClass and serves the cluster until ctx ends.
func Start(ctx context.Context, client kubernetes.Interface) error {
	class := &storagev1.StorageClass{
		ObjectMeta: metav1.ObjectMeta{
			Name: className, Annotations: map[string]string{"storageclass.kubernetes.io/is-default-class": "true"},
		},
		Provisioner: provisioner,
	}
	_, err := client.StorageV1().StorageClasses().Create(ctx, class, metav1.CreateOptions{})
	if err != nil && !errors.IsAlreadyExists(err) {
		return fmt.Errorf("could not make the StorageClass %s: %w", className, err)
	}
	// Looked at again after a while: what failed in between is made up for.
	factory := informers.NewSharedInformerFactory(client, 10*time.Second)
	for _, one := range []struct {
		informer cache.SharedIndexInformer
		serve    func(any) error
	}{
		{factory.Core().V1().Services().Informer(), func(it any) error { return service(ctx, client, it.(*v1.Service)) }},
		{factory.Networking().V1().Ingresses().Informer(),
			func(it any) error { return ingress(ctx, client, it.(*networkingv1.Ingress)) }},
		{factory.Core().V1().PersistentVolumeClaims().Informer(),
			func(it any) error { return claim(ctx, client, it.(*v1.PersistentVolumeClaim)) }},
		{factory.Core().V1().PersistentVolumes().Informer(),
			func(it any) error { return volume(ctx, client, it.(*v1.PersistentVolume)) }},
	} {
		serve := func(it any) {
			if err := one.serve(it); err != nil && !errors.IsNotFound(err) && !errors.IsConflict(err) && ctx.Err() == nil {
				klog.ErrorS(err, "The stand-in for a cloud could not serve an object")
			}
		}
		_, err := one.informer.AddEventHandler(cache.ResourceEventHandlerFuncs{
			AddFunc: serve, UpdateFunc: func(_, it any) { serve(it) },
		})
		if err != nil {
			return fmt.Errorf("could not watch what a cloud serves: %w", err)
		}
	}
	factory.Start(ctx.Done())
	return nil
}

// service gives a LoadBalancer its address.
func service(ctx context.Context, client kubernetes.Interface, it *v1.Service) error {
	if it.Spec.Type != v1.ServiceTypeLoadBalancer || len(it.Status.LoadBalancer.Ingress) > 0 || it.DeletionTimestamp != nil {
		return nil
	}
	it = it.DeepCopy()
	it.Status.LoadBalancer.Ingress = []v1.LoadBalancerIngress{{IP: serviceAddress}}
	_, err := client.CoreV1().Services(it.Namespace).UpdateStatus(ctx, it, metav1.UpdateOptions{})
	return err
}

// ingress gives an Ingress the address of the one ingress controller that is pretended.
func ingress(ctx context.Context, client kubernetes.Interface, it *networkingv1.Ingress) error {
	if len(it.Status.LoadBalancer.Ingress) > 0 || it.DeletionTimestamp != nil {
		return nil
	}
	it = it.DeepCopy()
	it.Status.LoadBalancer.Ingress = []networkingv1.IngressLoadBalancerIngress{{IP: ingressAddress}}
	_, err := client.NetworkingV1().Ingresses(it.Namespace).UpdateStatus(ctx, it, metav1.UpdateOptions{})
	return err
}

// claim makes the volume for a claim of the default class; it names its claim, so that the two are bound at once. Like any
// provisioner it waits to be asked: a volume that came sooner would be bound without a trace of that on the claim, and what
// claims look like would depend on who was faster.
func claim(ctx context.Context, client kubernetes.Interface, it *v1.PersistentVolumeClaim) error {
	class := it.Spec.StorageClassName
	if it.Spec.VolumeName != "" || class == nil || *class != className || it.DeletionTimestamp != nil {
		return nil
	}
	if it.Annotations[asked] != provisioner {
		return nil
	}
	name := "pvc-" + string(it.UID)
	made := &v1.PersistentVolume{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec: v1.PersistentVolumeSpec{
			AccessModes: it.Spec.AccessModes, Capacity: it.Spec.Resources.Requests, VolumeMode: it.Spec.VolumeMode,
			StorageClassName: className, PersistentVolumeReclaimPolicy: v1.PersistentVolumeReclaimDelete,
			ClaimRef: &v1.ObjectReference{
				APIVersion: "v1", Kind: "PersistentVolumeClaim", Namespace: it.Namespace, Name: it.Name, UID: it.UID,
			},
			PersistentVolumeSource: v1.PersistentVolumeSource{
				HostPath: &v1.HostPathVolumeSource{Path: "/nonexistent/" + name},
			},
		},
	}
	_, err := client.CoreV1().PersistentVolumes().Create(ctx, made, metav1.CreateOptions{})
	if errors.IsAlreadyExists(err) {
		return nil
	}
	return err
}

// volume deletes one whose claim is gone.
func volume(ctx context.Context, client kubernetes.Interface, it *v1.PersistentVolume) error {
	over := it.Status.Phase == v1.VolumeReleased || it.Status.Phase == v1.VolumeFailed
	if !over || it.Spec.StorageClassName != className || it.DeletionTimestamp != nil {
		return nil
	}
	return client.CoreV1().PersistentVolumes().Delete(ctx, it.Name, metav1.DeleteOptions{})
}
