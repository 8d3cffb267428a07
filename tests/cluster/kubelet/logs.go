package kubelet

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	v1 "k8s.io/api/core/v1"
)

// serveLogs answers GET /containerLogs/NAMESPACE/POD/CONTAINER.
func (k *Kubelet) serveLogs(w http.ResponseWriter, r *http.Request) {
	part := strings.Split(strings.Trim(r.URL.Path, "/"), "/")
	if len(part) != 4 || part[0] != "containerLogs" {
		refuse(w, http.StatusNotImplemented, "this kubelet pretends: it runs no containers to look into")
		return
	}
	wanted, err := logOptions(r.URL.Query())
	if err != nil {
		refuse(w, http.StatusBadRequest, err.Error())
		return
	}
	pod := k.find(part[1], part[2])
	if pod == nil {
		refuse(w, http.StatusNotFound, fmt.Sprintf("pod %q not found", part[2]))
		return
	}
	run, waiting := pod.log(part[3], wanted.previous)
	if run == nil {
		refuse(w, http.StatusBadRequest, noLog(part[2], part[3], wanted.previous, waiting))
		return
	}
	wanted.copy(w, r, run)
}

// refuse answers without a line end: the API server takes the text into its own answer.
func refuse(w http.ResponseWriter, status int, text string) {
	w.WriteHeader(status)
	io.WriteString(w, text)
}

// noLog says why there is no log, in the kubelet's words.
func noLog(pod, container string, previous bool, waiting string) string {
	switch {
	case previous:
		return fmt.Sprintf("previous terminated container %q in pod %q not found", container, pod)
	case waiting == "ErrImagePull" || waiting == "ImagePullBackOff":
		waiting = "trying and failing to pull image"
	}
	return fmt.Sprintf("container %q in pod %q is waiting to start: %s", container, pod, waiting)
}

// options of a request for a log.
type options struct {
	follow, previous, timestamps bool
	since                        time.Time
	// tail and limit are negative where nothing is asked.
	tail, limit int
}

func logOptions(query url.Values) (options, error) {
	o := options{
		follow: query.Get("follow") == "true", previous: query.Get("previous") == "true",
		timestamps: query.Get("timestamps") == "true", tail: -1, limit: -1,
	}
	for name, to := range map[string]*int{"tailLines": &o.tail, "limitBytes": &o.limit} {
		if text := query.Get(name); text != "" {
			number, err := strconv.Atoi(text)
			if err != nil || number < 0 {
				return o, fmt.Errorf("%s: %q is not a number", name, text)
			}
			*to = number
		}
	}
	if text := query.Get("sinceSeconds"); text != "" {
		seconds, err := strconv.Atoi(text)
		if err != nil {
			return o, fmt.Errorf("sinceSeconds: %q is not a number", text)
		}
		o.since = time.Now().Add(-time.Duration(seconds) * time.Second)
	}
	if text := query.Get("sinceTime"); text != "" {
		since, err := time.Parse(time.RFC3339, text)
		if err != nil {
			return o, fmt.Errorf("sinceTime: %q is not a time", text)
		}
		o.since = since
	}
	return o, nil
}

// copy writes the run's lines until its end, or, where nobody follows, those there are.
func (o options) copy(w http.ResponseWriter, r *http.Request, run *run) {
	flush := func() {
		if flusher, ok := w.(http.Flusher); ok {
			flusher.Flush()
		}
	}
	lines, position, over, changed := run.after(0)
	lines = o.choose(lines)
	for {
		if !o.write(w, lines) {
			return
		}
		flush()
		if over || !o.follow {
			return
		}
		select {
		case <-changed:
		case <-r.Context().Done():
			return
		}
		lines, position, over, changed = run.after(position)
	}
}

// choose leaves what is new enough, and of that the last lines that are asked for.
func (o options) choose(lines []line) []line {
	for len(lines) > 0 && lines[0].time.Before(o.since) {
		lines = lines[1:]
	}
	if o.tail >= 0 && o.tail < len(lines) {
		lines = lines[len(lines)-o.tail:]
	}
	return lines
}

// write says whether there may be more.
func (o *options) write(w io.Writer, lines []line) bool {
	for _, line := range lines {
		text := line.text + "\n"
		if o.timestamps {
			text = line.time.Format("2006-01-02T15:04:05.000000000Z") + " " + text
		}
		if o.limit >= 0 {
			text = text[:min(o.limit, len(text))]
			o.limit -= len(text)
		}
		if _, err := io.WriteString(w, text); err != nil || o.limit == 0 {
			return false
		}
	}
	return true
}

// log gives the current or the previous run of a container, or why there is none.
func (p *pod) log(container string, previous bool) (*run, string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	var waiting string
	for _, list := range [][]v1.ContainerStatus{p.status.InitContainerStatuses, p.status.ContainerStatuses} {
		for _, status := range list {
			if status.Name == container && status.State.Waiting != nil {
				waiting = status.State.Waiting.Reason
			}
		}
	}
	runs := p.runs[container]
	// Between two runs the one that has ended is both the last and the previous one.
	back := 1
	if previous && waiting == "" {
		back = 2
	}
	if len(runs) < back {
		return nil, waiting
	}
	return runs[len(runs)-back], waiting
}
