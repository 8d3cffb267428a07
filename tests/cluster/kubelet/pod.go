package kubelet

import (
	"context"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"sync"
	"time"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/klog/v2"
)

// pod is one pod on the node: what it reports, and the logs of its containers.
type pod struct {
	k    *Kubelet
	spec *v1.Pod
	// ctx ends when the pod's deletion has begun or it is gone.
	ctx  context.Context
	stop context.CancelFunc
	// stopping is true once its end has been begun; guarded by the kubelet's lock.
	stopping bool

	mu     sync.Mutex
	status v1.PodStatus
	runs   map[string][]*run
	// writing makes reports follow one another; it is taken before mu.
	writing sync.Mutex
}

func newPod(k *Kubelet, spec *v1.Pod) *pod {
	p := &pod{k: k, spec: spec, status: *spec.Status.DeepCopy(), runs: map[string][]*run{}}
	p.ctx, p.stop = context.WithCancel(k.ctx)
	return p
}

// live plays the pod until it has ended for good or its deletion begins.
func (p *pod) live() {
	if p.status.Phase == v1.PodRunning && p.wasServing() {
		// The process was started again under a pod that ran.
		for i := range p.spec.Spec.Containers {
			p.beginRun(&p.spec.Spec.Containers[i])
		}
		return
	}
	p.admit()
	if !p.mount() || !p.initialise() {
		return
	}
	var all sync.WaitGroup
	for i := range p.spec.Spec.Containers {
		all.Go(func() {
			c := container{pod: p, spec: &p.spec.Spec.Containers[i], index: i}
			c.live(planFor(p.spec, c.spec, false))
		})
	}
	all.Wait()
	if p.ctx.Err() != nil {
		return
	}
	p.report(func(status *v1.PodStatus) {
		phase, reason := endPhase(status.ContainerStatuses)
		status.Phase = phase
		setCondition(status, v1.PodReady, v1.ConditionFalse, reason, "")
		setCondition(status, v1.ContainersReady, v1.ConditionFalse, reason, "")
	})
}

// wasServing says whether all containers were ready and are none that end by themselves.
func (p *pod) wasServing() bool {
	for i, status := range p.status.ContainerStatuses {
		if !status.Ready || planFor(p.spec, &p.spec.Spec.Containers[i], false).ends {
			return false
		}
	}
	return len(p.status.ContainerStatuses) > 0
}

// admit reports that the pod has arrived and its containers are being made.
func (p *pod) admit() {
	p.report(func(status *v1.PodStatus) {
		now := metav1.Now()
		status.StartTime, status.HostIP, status.HostIPs = &now, nodeIP, []v1.HostIP{{IP: nodeIP}}
		status.Phase = v1.PodPending
		waiting := "ContainerCreating"
		if len(p.spec.Spec.InitContainers) > 0 {
			waiting = "PodInitializing"
			setCondition(status, v1.PodInitialized, v1.ConditionFalse, "ContainersNotInitialized", "")
		} else {
			setCondition(status, v1.PodInitialized, v1.ConditionTrue, "", "")
		}
		status.InitContainerStatuses = waitingStatuses(p.spec.Spec.InitContainers, waiting)
		status.ContainerStatuses = waitingStatuses(p.spec.Spec.Containers, waiting)
	})
}

func waitingStatuses(containers []v1.Container, reason string) []v1.ContainerStatus {
	var statuses []v1.ContainerStatus
	for _, c := range containers {
		state := v1.ContainerState{Waiting: &v1.ContainerStateWaiting{Reason: reason}}
		statuses = append(statuses, v1.ContainerStatus{Name: c.Name, Image: c.Image, State: state, Started: new(bool)})
	}
	return statuses
}

// mount waits for what volumes need; false if the pod ends before.
func (p *pod) mount() bool {
	find := inCluster(p.ctx, p.k.client, p.spec.Namespace)
	for _, need := range needsOf(p.spec) {
		for need.volume != "" {
			text := need.missing(p.spec.Namespace, find)
			if text == "" {
				break
			}
			p.event("", v1.EventTypeWarning, "FailedMount", "MountVolume.SetUp failed for volume %q : %s", need.volume, text)
			if !p.wait(lookAgain) {
				return false
			}
		}
	}
	return true
}

// initialise runs the init containers one after another; false if it does not come to the others.
func (p *pod) initialise() bool {
	for i := range p.spec.Spec.InitContainers {
		c := container{pod: p, spec: &p.spec.Spec.InitContainers[i], init: true, index: i}
		plan := planFor(p.spec, c.spec, true)
		if plan.ends {
			c.live(plan)
			if p.ctx.Err() != nil || c.failed() {
				return p.failInitialisation()
			}
			continue
		}
		// A sidecar goes on beside what follows.
		started := make(chan struct{})
		c.started = func() { close(started) }
		go c.live(plan)
		select {
		case <-started:
		case <-p.ctx.Done():
			return false
		}
	}
	if len(p.spec.Spec.InitContainers) > 0 {
		p.report(func(status *v1.PodStatus) { setCondition(status, v1.PodInitialized, v1.ConditionTrue, "", "") })
	}
	return true
}

// failInitialisation ends a pod that may not try its init containers again.
func (p *pod) failInitialisation() bool {
	if p.ctx.Err() == nil {
		p.report(func(status *v1.PodStatus) { status.Phase = v1.PodFailed })
	}
	return false
}

// end stops the containers of a pod whose deletion has begun, and removes it.
func (p *pod) end(deleted *v1.Pod) {
	p.stop()
	running := p.spec.Spec.Containers
	if p.phase() == v1.PodRunning {
		for i := range running {
			p.event(running[i].Name, v1.EventTypeNormal, "Killing", "Stopping container %s", running[i].Name)
			p.say(running[i].Name, "SIGTERM received, stopping")
		}
		grace := stopTime
		if seconds := deleted.DeletionGracePeriodSeconds; seconds != nil {
			grace = min(grace, time.Duration(*seconds)*time.Second)
		}
		p.k.pause(p.k.ctx, p.k.scaled(grace))
	}
	p.endRuns()
	p.report(func(status *v1.PodStatus) { terminate(p.spec, status) })
	now := int64(0)
	options := metav1.DeleteOptions{GracePeriodSeconds: &now, Preconditions: &metav1.Preconditions{UID: &p.spec.UID}}
	err := p.k.client.CoreV1().Pods(p.spec.Namespace).Delete(p.k.ctx, p.spec.Name, options)
	if err != nil && !errors.IsNotFound(err) && !errors.IsConflict(err) && p.k.ctx.Err() == nil {
		klog.ErrorS(err, "A pod could not be removed", "pod", klog.KObj(p.spec))
	}
}

// terminate ends what runs: programs that serve end well on SIGTERM, those with work left to do do not.
func terminate(spec *v1.Pod, status *v1.PodStatus) {
	for i := range status.ContainerStatuses {
		s := &status.ContainerStatuses[i]
		if s.State.Terminated != nil {
			continue
		}
		end := &v1.ContainerStateTerminated{Reason: "Completed", FinishedAt: metav1.Now(), ContainerID: s.ContainerID}
		if s.State.Running == nil || spec.Spec.RestartPolicy != v1.RestartPolicyAlways {
			end.ExitCode, end.Reason = 143, "Error"
		}
		s.State, s.Ready, s.Started = v1.ContainerState{Terminated: end}, false, new(bool)
	}
	if status.Phase != v1.PodSucceeded && status.Phase != v1.PodFailed {
		status.Phase, _ = endPhase(status.ContainerStatuses)
	}
	setReadiness(status)
}

// report changes the pod's status and writes it to the API server.
func (p *pod) report(change func(*v1.PodStatus)) {
	p.writing.Lock()
	defer p.writing.Unlock()
	p.mu.Lock()
	change(&p.status)
	if p.status.Phase == v1.PodPending || p.status.Phase == v1.PodRunning {
		setReadiness(&p.status)
	}
	patch, err := json.Marshal(map[string]any{"metadata": map[string]any{"uid": p.spec.UID}, "status": p.status})
	p.mu.Unlock()
	if err == nil {
		_, err = p.k.client.CoreV1().Pods(p.spec.Namespace).Patch(
			p.k.ctx, p.spec.Name, types.MergePatchType, patch, metav1.PatchOptions{}, "status")
	}
	if err != nil && !errors.IsNotFound(err) && !errors.IsConflict(err) && p.k.ctx.Err() == nil {
		klog.ErrorS(err, "A pod's status could not be written", "pod", klog.KObj(p.spec))
	}
}

// setReadiness derives the conditions Ready and ContainersReady.
func setReadiness(status *v1.PodStatus) {
	var unready []string
	for _, s := range status.ContainerStatuses {
		if !s.Ready {
			unready = append(unready, s.Name)
		}
	}
	for _, kind := range []v1.PodConditionType{v1.PodReady, v1.ContainersReady} {
		if len(unready) == 0 {
			setCondition(status, kind, v1.ConditionTrue, "", "")
		} else {
			text := fmt.Sprintf("containers with unready status: %v", unready)
			setCondition(status, kind, v1.ConditionFalse, "ContainersNotReady", text)
		}
	}
}

func setCondition(status *v1.PodStatus, kind v1.PodConditionType, is v1.ConditionStatus, reason, text string) {
	for i := range status.Conditions {
		c := &status.Conditions[i]
		if c.Type != kind {
			continue
		}
		if c.Status != is {
			c.LastTransitionTime = metav1.Now()
		}
		c.Status, c.Reason, c.Message = is, reason, text
		return
	}
	status.Conditions = append(status.Conditions, v1.PodCondition{
		Type: kind, Status: is, Reason: reason, Message: text, LastTransitionTime: metav1.Now(),
	})
}

func (p *pod) phase() v1.PodPhase {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.status.Phase
}

// ip is the same for the same pod, out of the network that pods usually have.
func (p *pod) ip() string {
	hash := fnv.New32a()
	hash.Write([]byte(p.spec.UID))
	sum := hash.Sum32()
	return fmt.Sprintf("10.244.%d.%d", sum>>8&0xff, sum&0xff%253+1)
}

// wait is false if the pod's end began before the time was over.
func (p *pod) wait(d time.Duration) bool { return p.k.pause(p.ctx, p.k.scaled(d)) }

func (p *pod) event(container, kind, reason, format string, values ...any) {
	ref := &v1.ObjectReference{
		APIVersion: "v1", Kind: "Pod", Namespace: p.spec.Namespace, Name: p.spec.Name, UID: p.spec.UID,
	}
	if container != "" {
		ref.FieldPath = "spec.containers{" + container + "}"
	}
	p.k.recorder.Eventf(ref, kind, reason, format, values...)
}

// beginRun opens the log of a container's next run. The last two are kept.
func (p *pod) beginRun(c *v1.Container) *run {
	r := newRun()
	for _, text := range startingLines(p.spec, c) {
		r.say(text)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	runs := append(p.runs[c.Name], r)
	p.runs[c.Name] = runs[max(len(runs)-2, 0):]
	return r
}

func (p *pod) say(container, text string) {
	p.mu.Lock()
	runs := p.runs[container]
	p.mu.Unlock()
	if len(runs) > 0 {
		runs[len(runs)-1].say(text)
	}
}

// endRuns lets all followers of logs see the end.
func (p *pod) endRuns() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, runs := range p.runs {
		for _, r := range runs {
			r.end()
		}
	}
}
