package kubelet

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes/fake"
	"k8s.io/client-go/tools/record"
)

// player is a kubelet without waiting on a pretended API server that has one pod.
func player(t *testing.T, spec *v1.Pod) (*Kubelet, *pod) {
	ctx, cancel := context.WithCancel(t.Context())
	t.Cleanup(cancel)
	k := &Kubelet{
		client: fake.NewClientset(spec), recorder: record.NewFakeRecorder(1000), ctx: ctx, cancel: cancel,
		pods: map[types.UID]*pod{},
	}
	p := newPod(k, spec)
	k.pods[spec.UID] = p
	return k, p
}

func TestAJobsPodEndsWithItsContainersCode(t *testing.T) {
	for annotation, wanted := range map[string]v1.PodPhase{"": v1.PodSucceeded, "crash-loop": v1.PodFailed} {
		spec := podWith(map[string]string{"simulator.landfall.dev/fault": annotation})
		spec.Spec.RestartPolicy = v1.RestartPolicyNever
		spec.Spec.InitContainers = []v1.Container{{Name: "wait", Image: "example.org/wait:1"}}
		_, p := player(t, spec)
		p.live()
		if p.status.Phase != wanted {
			t.Errorf("%q ends as %s, not %s", annotation, p.status.Phase, wanted)
		}
		if end := p.status.InitContainerStatuses[0].State.Terminated; end == nil || end.ExitCode != 0 {
			t.Errorf("its init container did not end well: %+v", p.status.InitContainerStatuses)
		}
	}
}

func TestAPodThatIsEndedReportsNothingMoreOfItsContainers(t *testing.T) {
	spec := podWith(nil)
	_, p := player(t, spec)
	p.admit()
	p.end(spec)
	c := container{pod: p, spec: web(spec)}
	c.waiting("ErrImagePull", "")
	if p.status.ContainerStatuses[0].State.Terminated == nil {
		t.Errorf("%+v", p.status.ContainerStatuses)
	}
}

func TestLogsAreThoseOfTheRunThatIsAskedFor(t *testing.T) {
	spec := podWith(map[string]string{"simulator.landfall.dev/log-lines": "one\ntwo\n"})
	k, p := player(t, spec)
	p.admit()
	server := httptest.NewServer(http.HandlerFunc(k.serveLogs))
	defer server.Close()
	get := func(query string) (int, string) {
		answer, err := http.Get(server.URL + "/containerLogs/shop/web-1/web?" + query)
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		text, _ := io.ReadAll(answer.Body)
		return answer.StatusCode, string(text)
	}
	if status, text := get(""); status != 400 || text != "container \"web\" in pod \"web-1\" is waiting to start: ContainerCreating" {
		t.Errorf("before the start: %d %q", status, text)
	}
	first := p.beginRun(web(spec))
	first.say("the first ends")
	first.end()
	p.status.ContainerStatuses[0].State = v1.ContainerState{Running: &v1.ContainerStateRunning{}}
	p.beginRun(web(spec)).end()
	for query, wanted := range map[string]string{
		"tailLines=2": "one\ntwo\n", "tailLines=1&previous=true": "the first ends\n", "tailLines=1&follow=true": "two\n",
		"tailLines=1&limitBytes=2": "tw",
	} {
		if status, text := get(query); status != 200 || text != wanted {
			t.Errorf("%s: %d %q, not %q", query, status, text, wanted)
		}
	}
	if status, _ := get("tailLines=x"); status != 400 {
		t.Errorf("a wrong number: %d", status)
	}
}

func TestALongLogLosesItsOldestLines(t *testing.T) {
	r := newRun()
	for range keepLines + 10 {
		r.say("x")
	}
	lines, position, over, _ := r.after(0)
	if len(lines) != keepLines || position != keepLines+10 || over {
		t.Error(len(lines), position, over)
	}
	wanted, _ := logOptions(url.Values{"limitBytes": {"3"}})
	var out bytes.Buffer
	if wanted.write(&out, lines) || out.String() != "x\nx" {
		t.Errorf("%q", out.String())
	}
}
