package kubelet

import (
	"strconv"
	"strings"
	"time"

	v1 "k8s.io/api/core/v1"
)

// The annotations of Landfall's own simulator (crates/simulator/src/faults.rs) mean the same here.
const (
	prefix     = "simulator.landfall.dev/"
	faultKey   = prefix + "fault"
	readyAfter = prefix + "ready-after"
	logLines   = prefix + "log-lines"
	execKey    = prefix + "exec"
	// exitCode is of this kubelet alone: what a container with the fault crash-loop exits with.
	exitCode = prefix + "exit-code"
)

// Fault is how a container fails.
type Fault string

// The faults. The form `fault.CONTAINER` of the annotation is of this kubelet alone.
const (
	NoFault     Fault = ""
	ImagePull   Fault = "image-pull"
	CrashLoop   Fault = "crash-loop"
	NeverReady  Fault = "never-ready"
	OutOfMemory Fault = "out-of-memory"
)

// plan is what one container of a pod will do.
type plan struct {
	fault Fault
	// ends says that a run ends by itself, after runFor with code and reason.
	ends   bool
	runFor time.Duration
	code   int32
	reason string
	// restarts says whether another run follows one that has ended so.
	restarts bool
	// readyAfter is when a started container becomes ready; negative: never.
	readyAfter time.Duration
	// marked says that readyAfter and runFor are the pod's own wish, which no factor changes.
	marked bool
}

// How long things take at factor one.
const (
	pullTime     = 500 * time.Millisecond
	probedReady  = time.Second
	finiteRun    = 2 * time.Second
	initRun      = 500 * time.Millisecond
	crashRun     = time.Second
	stopTime     = time.Second
	probePeriod  = 10 * time.Second
	lookAgain    = 5 * time.Second
	firstBackOff = 10 * time.Second
	maxBackOff   = 5 * time.Minute
)

// planFor decides what a container does; init says that it is one of the pod's init containers.
func planFor(pod *v1.Pod, c *v1.Container, init bool) plan {
	p := plan{fault: faultOf(pod, c, init), reason: "Completed"}
	sidecar := init && c.RestartPolicy != nil && *c.RestartPolicy == v1.ContainerRestartPolicyAlways
	always := sidecar || (!init && pod.Spec.RestartPolicy == v1.RestartPolicyAlways)
	wish, wished := duration(pod.Annotations[readyAfter])
	switch p.fault {
	case CrashLoop, OutOfMemory:
		p.ends, p.runFor = true, crashRun
		p.code, p.reason = exitOf(pod, p.fault)
		// An init container starts again under OnFailure and Always alike.
		p.restarts = pod.Spec.RestartPolicy != v1.RestartPolicyNever
		return p
	case NeverReady:
		p.readyAfter = -1
		return p
	}
	switch {
	case init && !sidecar:
		p.ends, p.runFor = true, initRun
	case !always:
		p.ends, p.runFor = true, finiteRun
		if wished {
			p.runFor, p.marked = wish, true
		}
	default:
		p.restarts = true
		if c.ReadinessProbe != nil {
			p.readyAfter = probedReady
		}
		if wished {
			p.readyAfter, p.marked = wish, true
		}
	}
	return p
}

// faultOf is the fault that the pod, or its image's name, asks of a container.
//
// A pod's `fault` is its containers' and leaves init containers alone. Charts that have no place for annotations of
// pods usually have one for the image: a name with `missing` in it is not found.
func faultOf(pod *v1.Pod, c *v1.Container, init bool) Fault {
	word, own := pod.Annotations[faultKey+"."+c.Name]
	if !own && !init {
		word = pod.Annotations[faultKey]
	}
	switch fault := Fault(word); fault {
	case ImagePull, CrashLoop, NeverReady, OutOfMemory:
		return fault
	}
	if strings.Contains(c.Image, "missing") {
		return ImagePull
	}
	return NoFault
}

func exitOf(pod *v1.Pod, fault Fault) (int32, string) {
	if fault == OutOfMemory {
		return 137, "OOMKilled"
	}
	if code, err := strconv.ParseUint(pod.Annotations[exitCode], 10, 8); err == nil && code > 0 {
		return int32(code), "Error"
	}
	return 1, "Error"
}

// duration reads a number and a unit as the simulator does: `10s`, `1m`, `250ms`.
func duration(text string) (time.Duration, bool) {
	text = strings.TrimSpace(text)
	unit := strings.TrimLeft(text, "0123456789")
	count, err := strconv.ParseUint(strings.TrimSuffix(text, unit), 10, 31)
	if err != nil {
		return 0, false
	}
	switch unit {
	case "ms":
		return time.Duration(count) * time.Millisecond, true
	case "s":
		return time.Duration(count) * time.Second, true
	case "m":
		return time.Duration(count) * time.Minute, true
	}
	return 0, false
}

// nextBackOff doubles up to the kubelet's own bound.
func nextBackOff(last time.Duration) time.Duration {
	if last == 0 {
		return firstBackOff
	}
	return min(2*last, maxBackOff)
}

// endPhase is the phase of a pod whose containers have all ended for good, and its conditions' reason.
func endPhase(statuses []v1.ContainerStatus) (v1.PodPhase, string) {
	for _, status := range statuses {
		if ended := status.State.Terminated; ended != nil && ended.ExitCode != 0 {
			return v1.PodFailed, "PodFailed"
		}
	}
	return v1.PodSucceeded, "PodCompleted"
}
