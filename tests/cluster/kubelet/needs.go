package kubelet

import (
	"context"
	"fmt"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
)

// need is a Secret or a ConfigMap without which a pod's volumes cannot be mounted or a container cannot be made.
type need struct {
	secret bool
	name   string
	// key within it; empty if any will do.
	key string
	// volume that wants it, or else container.
	volume, container string
}

// lookup gives the keys of a Secret or a ConfigMap of the pod's namespace, or the API server's error.
type lookup func(secret bool, name string) (map[string]bool, error)

// needsOf lists what a pod's volumes need, and then what its containers' environments need. Optional ones are none.
func needsOf(pod *v1.Pod) []need {
	var needs []need
	add := func(optional *bool, n need) {
		if optional == nil || !*optional {
			needs = append(needs, n)
		}
	}
	for _, volume := range pod.Spec.Volumes {
		if it := volume.Secret; it != nil {
			add(it.Optional, need{secret: true, name: it.SecretName, volume: volume.Name})
		}
		if it := volume.ConfigMap; it != nil {
			add(it.Optional, need{name: it.Name, volume: volume.Name})
		}
		if volume.Projected == nil {
			continue
		}
		for _, source := range volume.Projected.Sources {
			if it := source.Secret; it != nil {
				add(it.Optional, need{secret: true, name: it.Name, volume: volume.Name})
			}
			if it := source.ConfigMap; it != nil {
				add(it.Optional, need{name: it.Name, volume: volume.Name})
			}
		}
	}
	for _, c := range append(append([]v1.Container{}, pod.Spec.InitContainers...), pod.Spec.Containers...) {
		for _, from := range c.EnvFrom {
			if it := from.SecretRef; it != nil {
				add(it.Optional, need{secret: true, name: it.Name, container: c.Name})
			}
			if it := from.ConfigMapRef; it != nil {
				add(it.Optional, need{name: it.Name, container: c.Name})
			}
		}
		for _, variable := range c.Env {
			if variable.ValueFrom == nil {
				continue
			}
			if it := variable.ValueFrom.SecretKeyRef; it != nil {
				add(it.Optional, need{secret: true, name: it.Name, key: it.Key, container: c.Name})
			}
			if it := variable.ValueFrom.ConfigMapKeyRef; it != nil {
				add(it.Optional, need{name: it.Name, key: it.Key, container: c.Name})
			}
		}
	}
	return needs
}

// missing says in the kubelet's words what is not there; empty if it is.
func (n need) missing(namespace string, find lookup) string {
	kind, title := "configmap", "ConfigMap"
	if n.secret {
		kind, title = "secret", "Secret"
	}
	keys, err := find(n.secret, n.name)
	if errors.IsNotFound(err) {
		return fmt.Sprintf("%s %q not found", kind, n.name)
	}
	if err != nil {
		return err.Error()
	}
	if n.key != "" && !keys[n.key] {
		return fmt.Sprintf("couldn't find key %s in %s %s/%s", n.key, title, namespace, n.name)
	}
	return ""
}

// inCluster looks objects up through the API.
func inCluster(ctx context.Context, client kubernetes.Interface, namespace string) lookup {
	return func(secret bool, name string) (map[string]bool, error) {
		keys := map[string]bool{}
		if secret {
			found, err := client.CoreV1().Secrets(namespace).Get(ctx, name, metav1.GetOptions{})
			if err != nil {
				return nil, err
			}
			for key := range found.Data {
				keys[key] = true
			}
			return keys, nil
		}
		found, err := client.CoreV1().ConfigMaps(namespace).Get(ctx, name, metav1.GetOptions{})
		if err != nil {
			return nil, err
		}
		for key := range found.Data {
			keys[key] = true
		}
		for key := range found.BinaryData {
			keys[key] = true
		}
		return keys, nil
	}
}
