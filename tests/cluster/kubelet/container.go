package kubelet

import (
	"context"
	"fmt"
	"time"

	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// container is one container of a pod, with its place in the pod's status.
type container struct {
	pod   *pod
	spec  *v1.Container
	init  bool
	index int
	// started, if set, is called after the first start.
	started func()
}

// live plays the container until it has ended for good or the pod's end begins.
func (c *container) live(plan plan) {
	if !c.pull(plan) || !c.configure() {
		return
	}
	var backOff time.Duration
	for restarts := int32(0); ; restarts++ {
		r, begun := c.start(plan, restarts)
		if restarts == 0 && c.started != nil {
			c.started()
		}
		if !c.work(plan, r) {
			return
		}
		r.say(endingLine(c.spec, plan.code))
		r.end()
		end := v1.ContainerState{Terminated: &v1.ContainerStateTerminated{
			ExitCode: plan.code, Reason: plan.reason, StartedAt: begun, FinishedAt: metav1.Now(), ContainerID: c.id(restarts),
		}}
		if !plan.restarts {
			c.report(func(s *v1.ContainerStatus) {
				// An init container that has done its work counts as ready.
				s.State, s.Ready, s.Started = end, c.init && plan.code == 0, new(bool)
			})
			return
		}
		backOff = nextBackOff(backOff)
		c.backOff(end, backOff)
		if !c.pod.wait(backOff) {
			return
		}
	}
}

// pull gets the image, or tells for ever that it cannot.
func (c *container) pull(plan plan) bool {
	image := c.spec.Image
	var backOff time.Duration
	for {
		c.event(v1.EventTypeNormal, "Pulling", "Pulling image %q", image)
		if !c.pod.wait(pullTime) {
			return false
		}
		if plan.fault != ImagePull {
			c.event(v1.EventTypeNormal, "Pulled",
				"Successfully pulled image %q in 100ms (100ms including waiting). Image size: 1 bytes.", image)
			return true
		}
		why := fmt.Sprintf("failed to pull and unpack image %q: failed to resolve reference %q: %s: not found", image, image, image)
		c.event(v1.EventTypeWarning, "Failed", "Failed to pull image %q: rpc error: code = NotFound desc = %s", image, why)
		c.event(v1.EventTypeWarning, "Failed", "Error: ErrImagePull")
		c.waiting("ErrImagePull", why)
		backOff = nextBackOff(backOff)
		if !c.pod.wait(backOff / 2) {
			return false
		}
		c.event(v1.EventTypeNormal, "BackOff", "Back-off pulling image %q", image)
		c.event(v1.EventTypeWarning, "Failed", "Error: ImagePullBackOff")
		c.waiting("ImagePullBackOff", fmt.Sprintf("Back-off pulling image %q: ErrImagePull: %s", image, why))
		if !c.pod.wait(backOff / 2) {
			return false
		}
	}
}

// configure waits for what the container's environment needs.
func (c *container) configure() bool {
	find := inCluster(c.pod.ctx, c.pod.k.client, c.pod.spec.Namespace)
	for _, need := range needsOf(c.pod.spec) {
		for need.container == c.spec.Name {
			text := need.missing(c.pod.spec.Namespace, find)
			if text == "" {
				break
			}
			if c.pod.ctx.Err() != nil {
				return false
			}
			c.event(v1.EventTypeWarning, "Failed", "Error: %s", text)
			c.waiting("CreateContainerConfigError", text)
			if !c.pod.wait(lookAgain) {
				return false
			}
		}
	}
	return true
}

// start begins a run.
func (c *container) start(plan plan, restarts int32) (*run, metav1.Time) {
	r := c.pod.beginRun(c.spec)
	c.event(v1.EventTypeNormal, "Created", "Container created")
	c.event(v1.EventTypeNormal, "Started", "Container started")
	begun := metav1.Now()
	c.reportPod(func(status *v1.PodStatus, s *v1.ContainerStatus) {
		yes := true
		s.State = v1.ContainerState{Running: &v1.ContainerStateRunning{StartedAt: begun}}
		s.ContainerID, s.ImageID, s.RestartCount = c.id(restarts), c.spec.Image, restarts
		// What ends by itself has not been probed yet.
		s.Started, s.Ready = &yes, plan.readyAfter == 0 && !(plan.ends && (c.init || c.spec.ReadinessProbe != nil))
		status.PodIP = c.pod.ip()
		status.PodIPs = []v1.PodIP{{IP: status.PodIP}}
		if !c.init {
			status.Phase = v1.PodRunning
		}
	})
	return r, begun
}

// work lasts as long as a run does; false if the pod's end cut it short.
func (c *container) work(plan plan, r *run) bool {
	ctx, over := context.WithCancel(c.pod.ctx)
	defer over()
	length := func(d time.Duration) time.Duration {
		if plan.marked {
			return d
		}
		return c.pod.k.scaled(d)
	}
	switch {
	case plan.readyAfter < 0:
		go c.complain(ctx)
	case plan.ends:
	default:
		if !c.pod.k.pause(ctx, length(plan.readyAfter)) {
			return false
		}
		r.say(readyLine(c.spec))
		if plan.readyAfter > 0 {
			c.report(func(s *v1.ContainerStatus) { s.Ready = true })
		}
	}
	if plan.ends {
		return c.pod.k.pause(ctx, length(plan.runFor))
	}
	<-ctx.Done()
	return false
}

// complain reports that the readiness probe fails, again and again.
func (c *container) complain(ctx context.Context) {
	for ctx.Err() == nil {
		c.event(v1.EventTypeWarning, "Unhealthy", "Readiness probe failed: HTTP probe failed with statuscode: 503")
		c.pod.k.pause(ctx, c.pod.k.scaled(probePeriod))
	}
}

// backOff reports a crash and that the next run has to wait. The text names the time that a kubelet would wait.
func (c *container) backOff(end v1.ContainerState, wait time.Duration) {
	name := fmt.Sprintf("%s_%s(%s)", c.pod.spec.Name, c.pod.spec.Namespace, c.pod.spec.UID)
	c.event(v1.EventTypeWarning, "BackOff", "Back-off restarting failed container %s in pod %s", c.spec.Name, name)
	text := fmt.Sprintf("back-off %s restarting failed container=%s pod=%s", wait, c.spec.Name, name)
	c.report(func(s *v1.ContainerStatus) {
		s.LastTerminationState = end
		s.State = v1.ContainerState{Waiting: &v1.ContainerStateWaiting{Reason: "CrashLoopBackOff", Message: text}}
		s.Ready, s.Started = false, new(bool)
	})
}

// failed says whether the container has ended for good and badly.
func (c *container) failed() bool {
	c.pod.mu.Lock()
	defer c.pod.mu.Unlock()
	end := c.status(&c.pod.status).State.Terminated
	return end == nil || end.ExitCode != 0
}

func (c *container) waiting(reason, text string) {
	c.report(func(s *v1.ContainerStatus) {
		s.State = v1.ContainerState{Waiting: &v1.ContainerStateWaiting{Reason: reason, Message: text}}
	})
}

func (c *container) report(change func(*v1.ContainerStatus)) {
	c.reportPod(func(_ *v1.PodStatus, s *v1.ContainerStatus) { change(s) })
}

// reportPod changes nothing once the pod's end has begun: that is reported by pod.end alone.
func (c *container) reportPod(change func(*v1.PodStatus, *v1.ContainerStatus)) {
	c.pod.report(func(status *v1.PodStatus) {
		if c.pod.ctx.Err() == nil {
			change(status, c.status(status))
		}
	})
}

func (c *container) status(status *v1.PodStatus) *v1.ContainerStatus {
	if c.init {
		return &status.InitContainerStatuses[c.index]
	}
	return &status.ContainerStatuses[c.index]
}

func (c *container) id(restarts int32) string {
	return fmt.Sprintf("simulated://%s-%s-%d", c.pod.spec.UID, c.spec.Name, restarts)
}

func (c *container) event(kind, reason, format string, values ...any) {
	c.pod.event(c.spec.Name, kind, reason, format, values...)
}
