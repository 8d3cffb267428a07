package kubelet

import (
	"fmt"
	"strings"

	v1 "k8s.io/api/core/v1"
)

// What containers say: the lines of Landfall's simulator (crates/simulator/src/controllers/pod/voice.rs), so that a
// test may look for them on both.

// startingLines are said right after a container's start.
func startingLines(pod *v1.Pod, c *v1.Container) []string {
	lines := []string{fmt.Sprintf("simulated container %s of %s starts; no program runs", c.Name, c.Image)}
	if own := pod.Annotations[logLines]; own != "" {
		return append(lines, strings.Split(strings.TrimSuffix(own, "\n"), "\n")...)
	}
	if strings.Contains(c.Image, "postgres") {
		return append(lines, "LOG:  database system is ready to accept connections")
	}
	lines = append(lines, "configuration read")
	for _, port := range c.Ports {
		lines = append(lines, fmt.Sprintf("listening on 0.0.0.0:%d", port.ContainerPort))
	}
	return lines
}

func readyLine(c *v1.Container) string {
	if len(c.Ports) == 0 {
		return "ready"
	}
	return fmt.Sprintf("ready, accepting connections on port %d", c.Ports[0].ContainerPort)
}

// endingLine is the last line of a run that ends by itself with this code.
func endingLine(c *v1.Container, code int32) string {
	if code == 0 {
		return c.Name + " finished (exit code 0)"
	}
	wanted := "CONFIG"
	if len(c.Env) > 0 {
		wanted = c.Env[0].Name
	}
	return fmt.Sprintf("fatal: %s is not usable, giving up (exit code %d)", wanted, code)
}
