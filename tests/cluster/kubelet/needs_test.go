package kubelet

import (
	"testing"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// shelf has the Secret `db` with the key `password`, and nothing else.
func shelf(secret bool, name string) (map[string]bool, error) {
	if secret && name == "db" {
		return map[string]bool{"password": true}, nil
	}
	return nil, errors.NewNotFound(schema.GroupResource{Resource: "things"}, name)
}

func secretKey(name, key string, optional bool) v1.EnvVar {
	from := &v1.SecretKeySelector{LocalObjectReference: v1.LocalObjectReference{Name: name}, Key: key, Optional: &optional}
	return v1.EnvVar{Name: "X", ValueFrom: &v1.EnvVarSource{SecretKeyRef: from}}
}

func TestAContainerIsNotMadeWithoutWhatItsEnvironmentNames(t *testing.T) {
	for _, one := range []struct {
		variable v1.EnvVar
		wanted   string
	}{
		{secretKey("db", "password", false), ""},
		{secretKey("db", "user", false), "couldn't find key user in Secret shop/db"},
		{secretKey("other", "user", false), `secret "other" not found`},
	} {
		pod := podWith(nil)
		web(pod).Env = []v1.EnvVar{one.variable}
		needs := needsOf(pod)
		if len(needs) != 1 || needs[0].container != "web" {
			t.Fatalf("%+v", needs)
		}
		if text := needs[0].missing("shop", shelf); text != one.wanted {
			t.Errorf("%q, not %q", text, one.wanted)
		}
	}
}

func TestWhatIsOptionalIsNotNeeded(t *testing.T) {
	pod := podWith(nil)
	web(pod).Env = []v1.EnvVar{secretKey("other", "user", true)}
	if needs := needsOf(pod); len(needs) != 0 {
		t.Errorf("%+v", needs)
	}
}

func TestVolumesNeedTheirObjects(t *testing.T) {
	pod := podWith(nil)
	config := &v1.ConfigMapVolumeSource{LocalObjectReference: v1.LocalObjectReference{Name: "site"}}
	pod.Spec.Volumes = []v1.Volume{{Name: "pages", VolumeSource: v1.VolumeSource{ConfigMap: config}}}
	needs := needsOf(pod)
	if len(needs) != 1 || needs[0].volume != "pages" {
		t.Fatalf("%+v", needs)
	}
	if text := needs[0].missing("shop", shelf); text != `configmap "site" not found` {
		t.Error(text)
	}
}
