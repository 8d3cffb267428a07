package kubelet

import (
	"testing"
	"time"

	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// podWith is a pod of one container, `web`, that serves.
func podWith(annotations map[string]string) *v1.Pod {
	return &v1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "web-1", Annotations: annotations},
		Spec: v1.PodSpec{
			RestartPolicy: v1.RestartPolicyAlways,
			Containers:    []v1.Container{{Name: "web", Image: "example.org/web:1"}},
		},
	}
}

func web(pod *v1.Pod) *v1.Container { return &pod.Spec.Containers[0] }

// The annotations' names are a contract with Landfall's simulator: they are written out here.
func TestFaultsAreTheSimulators(t *testing.T) {
	for word, wanted := range map[string]Fault{
		"image-pull": ImagePull, "crash-loop": CrashLoop, "never-ready": NeverReady, "out-of-memory": OutOfMemory,
		"crashloop": NoFault, "": NoFault,
	} {
		pod := podWith(map[string]string{"simulator.landfall.dev/fault": word})
		if fault := planFor(pod, web(pod), false).fault; fault != wanted {
			t.Errorf("%q gives %q, not %q", word, fault, wanted)
		}
	}
}

func TestAFaultOfOneContainerIsNoneOfAnother(t *testing.T) {
	pod := podWith(map[string]string{
		"simulator.landfall.dev/fault": "crash-loop", "simulator.landfall.dev/fault.proxy": "never-ready",
		"simulator.landfall.dev/fault.migrate": "image-pull",
	})
	for _, one := range []struct {
		name   string
		init   bool
		wanted Fault
	}{
		{"web", false, CrashLoop}, {"proxy", false, NeverReady}, {"migrate", true, ImagePull}, {"wait", true, NoFault},
	} {
		if fault := faultOf(pod, &v1.Container{Name: one.name}, one.init); fault != one.wanted {
			t.Errorf("%s has the fault %q, not %q", one.name, fault, one.wanted)
		}
	}
}

func TestAnImageThatIsCalledMissingIsNotFound(t *testing.T) {
	pod := podWith(nil)
	web(pod).Image = "example.org/missing:1"
	if fault := faultOf(pod, web(pod), false); fault != ImagePull {
		t.Errorf("its fault is %q", fault)
	}
}

func TestWhatServesBecomesReadyAndStays(t *testing.T) {
	pod := podWith(nil)
	if p := planFor(pod, web(pod), false); p.ends || p.readyAfter != 0 {
		t.Errorf("without a probe: %+v", p)
	}
	web(pod).ReadinessProbe = &v1.Probe{}
	if p := planFor(pod, web(pod), false); p.ends || p.readyAfter != probedReady || p.marked {
		t.Errorf("with a probe: %+v", p)
	}
	pod.Annotations = map[string]string{"simulator.landfall.dev/ready-after": "250ms"}
	if p := planFor(pod, web(pod), false); p.readyAfter != 250*time.Millisecond || !p.marked {
		t.Errorf("with a wish: %+v", p)
	}
	pod.Annotations = map[string]string{"simulator.landfall.dev/fault": "never-ready"}
	if p := planFor(pod, web(pod), false); p.ends || p.readyAfter >= 0 {
		t.Errorf("never ready: %+v", p)
	}
}

func TestWhatHasWorkToDoEnds(t *testing.T) {
	for _, policy := range []v1.RestartPolicy{v1.RestartPolicyNever, v1.RestartPolicyOnFailure} {
		pod := podWith(nil)
		pod.Spec.RestartPolicy = policy
		if p := planFor(pod, web(pod), false); !p.ends || p.restarts || p.code != 0 || p.runFor != finiteRun {
			t.Errorf("%s: %+v", policy, p)
		}
	}
}

func TestWhatCrashesStartsAgainUnlessItMayNot(t *testing.T) {
	for policy, restarts := range map[v1.RestartPolicy]bool{
		v1.RestartPolicyAlways: true, v1.RestartPolicyOnFailure: true, v1.RestartPolicyNever: false,
	} {
		pod := podWith(map[string]string{"simulator.landfall.dev/fault": "crash-loop"})
		pod.Spec.RestartPolicy = policy
		p := planFor(pod, web(pod), false)
		if !p.ends || p.restarts != restarts || p.code != 1 || p.reason != "Error" {
			t.Errorf("%s: %+v", policy, p)
		}
	}
}

func TestExitCodes(t *testing.T) {
	for _, one := range []struct {
		fault, wish, reason string
		code                int32
	}{
		{"crash-loop", "4", "Error", 4}, {"crash-loop", "0", "Error", 1}, {"crash-loop", "300", "Error", 1},
		{"out-of-memory", "4", "OOMKilled", 137},
	} {
		pod := podWith(map[string]string{
			"simulator.landfall.dev/fault": one.fault, "simulator.landfall.dev/exit-code": one.wish,
		})
		if p := planFor(pod, web(pod), false); p.code != one.code || p.reason != one.reason {
			t.Errorf("%s with %s: %+v", one.fault, one.wish, p)
		}
	}
}

func TestInitContainersEndAndSidecarsDoNot(t *testing.T) {
	pod := podWith(map[string]string{"simulator.landfall.dev/fault": "crash-loop"})
	init := v1.Container{Name: "migrate"}
	if p := planFor(pod, &init, true); !p.ends || p.code != 0 || p.restarts {
		t.Errorf("an init container: %+v", p)
	}
	always := v1.ContainerRestartPolicyAlways
	init.RestartPolicy = &always
	if p := planFor(pod, &init, true); p.ends {
		t.Errorf("a sidecar: %+v", p)
	}
}

func TestTimesAreANumberAndAUnit(t *testing.T) {
	for text, wanted := range map[string]time.Duration{
		"10s": 10 * time.Second, " 1m ": time.Minute, "250ms": 250 * time.Millisecond, "0s": 0,
	} {
		if d, ok := duration(text); !ok || d != wanted {
			t.Errorf("%q gives %v, %v", text, d, ok)
		}
	}
	for _, wrong := range []string{"", "10", "s", "1h", "-1s", "1.5s"} {
		if d, ok := duration(wrong); ok {
			t.Errorf("%q gives %v", wrong, d)
		}
	}
}

func TestBackOffDoublesToFiveMinutes(t *testing.T) {
	var last time.Duration
	for _, seconds := range []int{10, 20, 40, 80, 160, 300, 300} {
		if last = nextBackOff(last); last != time.Duration(seconds)*time.Second {
			t.Errorf("%v, not %d s", last, seconds)
		}
	}
}

func TestAPodHasFailedIfOneContainerHas(t *testing.T) {
	ended := func(code int32) v1.ContainerStatus {
		return v1.ContainerStatus{State: v1.ContainerState{Terminated: &v1.ContainerStateTerminated{ExitCode: code}}}
	}
	if phase, reason := endPhase([]v1.ContainerStatus{ended(0), ended(0)}); phase != v1.PodSucceeded || reason != "PodCompleted" {
		t.Error(phase, reason)
	}
	if phase, reason := endPhase([]v1.ContainerStatus{ended(0), ended(4)}); phase != v1.PodFailed || reason != "PodFailed" {
		t.Error(phase, reason)
	}
}
