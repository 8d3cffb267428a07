package kubelet

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os/exec"
	"strings"
	"time"

	v1 "k8s.io/api/core/v1"
	"k8s.io/cri-streaming/pkg/streaming/remotecommand"
	utilexec "k8s.io/utils/exec"
)

// How long a client may be silent, and how long it may take to open its streams.
const (
	idleTime    = 4 * time.Hour
	streamsTime = 30 * time.Second
)

// serveExec answers POST and GET /exec/NAMESPACE/POD/CONTAINER: a program that this cluster was started with stands in for
// the command. The annotation of Landfall's own simulator (crates/simulator/src/programs.rs) says which; what the client
// sends chooses among those and reaches none of them.
func (k *Kubelet) serveExec(w http.ResponseWriter, r *http.Request) {
	part := strings.Split(strings.Trim(r.URL.Path, "/"), "/")
	if len(part) != 4 {
		refuse(w, http.StatusNotFound, "exec takes a namespace, a pod and a container")
		return
	}
	pod := k.find(part[1], part[2])
	if pod == nil {
		refuse(w, http.StatusNotFound, fmt.Sprintf("pod %q not found", part[2]))
		return
	}
	if !pod.isRunning(part[3]) {
		refuse(w, http.StatusInternalServerError, fmt.Sprintf("container not found (%q)", part[3]))
		return
	}
	options, err := remotecommand.NewOptions(r)
	if err != nil {
		refuse(w, http.StatusBadRequest, err.Error())
		return
	}
	command := r.URL.Query()["command"]
	path, err := k.program(pod.spec, command)
	if err != nil {
		refuse(w, http.StatusBadRequest, err.Error())
		return
	}
	remotecommand.ServeExec(w, r, program(path), part[2], string(pod.spec.UID), part[3], command, options,
		idleTime, streamsTime, remotecommand.SupportedStreamingProtocols)
}

// program that stands in for a command in a pod.
func (k *Kubelet) program(pod *v1.Pod, command []string) (string, error) {
	first := ""
	if len(command) > 0 {
		first = command[0]
	}
	name := programName(pod.Annotations[execKey], first)
	if name == "" {
		return "", fmt.Errorf("this kubelet pretends: pod %s names no program for %s (annotation %s)", pod.Name, first, execKey)
	}
	path := k.programs[name]
	if path == "" {
		return "", fmt.Errorf("this kubelet pretends: it was started without program %s, which pod %s names for %s", name, pod.Name, first)
	}
	return path, nil
}

// programName finds a command in `pg_dump=dump-shop psql=load-shop`.
func programName(annotation, command string) string {
	separates := func(c rune) bool { return c == ',' || c == ' ' || c == '\n' }
	for _, pair := range strings.FieldsFunc(annotation, separates) {
		if word, name, found := strings.Cut(pair, "="); found && word == command && command != "" {
			return name
		}
	}
	return ""
}

// isRunning tells whether a container of the pod runs now.
func (p *pod) isRunning(container string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, status := range p.status.ContainerStatuses {
		if status.Name == container {
			return status.State.Running != nil
		}
	}
	return false
}

// program is the path of one that stands in for a command.
type program string

// ExecInContainer runs it, whatever the command is.
func (p program) ExecInContainer(ctx context.Context, _, _, _ string, _ []string, in io.Reader,
	out, errs io.WriteCloser, _ bool, _ <-chan remotecommand.TerminalSize, _ time.Duration,
) error {
	run := exec.CommandContext(ctx, string(p))
	run.Stdin, run.Stdout, run.Stderr = in, out, errs
	err := run.Run()
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		return utilexec.CodeExitError{Err: err, Code: exit.ExitCode()}
	}
	return err
}
