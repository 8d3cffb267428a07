package door

import (
	"crypto/tls"
	"encoding/pem"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"landfall.dev/tests/cluster/pki"
)

// house is a door in front of a server that answers "hello", or for watches a line and then nothing more.
type house struct {
	t            *testing.T
	client       *http.Client
	url, control string
}

func newHouse(t *testing.T) house {
	certificates := filepath.Join(t.TempDir(), "pki")
	if err := pki.Ensure(certificates, net.IPv4(10, 96, 0, 1)); err != nil {
		t.Fatal(err)
	}
	upstream := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, "hello\n")
		if r.URL.Query().Get("watch") != "" {
			w.(http.Flusher).Flush()
			<-r.Context().Done()
		}
	}))
	t.Cleanup(upstream.Close)
	// The door trusts its cluster's authority only: the test server's certificate takes that place.
	authority := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: upstream.Certificate().Raw})
	if err := os.WriteFile(filepath.Join(certificates, pki.Authority+".crt"), authority, 0o600); err != nil {
		t.Fatal(err)
	}
	listener, control := listen(t), listen(t)
	door, err := Start(upstream.URL, certificates, listener, control)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(door.Stop)
	transport := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}
	t.Cleanup(transport.CloseIdleConnections)
	return house{t, &http.Client{Transport: transport}, "https://" + listener.Addr().String(), "http://" + control.Addr().String()}
}

func listen(t *testing.T) net.Listener {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return listener
}

func (h house) put(path, body string) (int, string) {
	h.t.Helper()
	request, err := http.NewRequest(http.MethodPut, h.control+path, strings.NewReader(body))
	if err != nil {
		h.t.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		h.t.Fatal(err)
	}
	defer answer.Body.Close()
	text, _ := io.ReadAll(answer.Body)
	return answer.StatusCode, string(text)
}

// get gives the status, 0 if there was no answer, and whether the body came to its end.
func (h house) get(path string) (int, string, error) {
	answer, err := h.client.Get(h.url + path)
	if err != nil {
		return 0, "", err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	return answer.StatusCode, string(text), err
}

func TestRequestsPassWithoutRules(t *testing.T) {
	if status, text, err := newHouse(t).get("/api"); status != 200 || text != "hello\n" || err != nil {
		t.Errorf("%d %q %v", status, text, err)
	}
}

func TestARuleCountsAsOftenAsItSaysAndWhereItFits(t *testing.T) {
	h := newHouse(t)
	h.put("/rules", `[{"path": "^/apis/apps/", "method": "GET", "status": 429, "times": 1}]`)
	for _, wanted := range []struct {
		path   string
		status int
	}{{"/api", 200}, {"/apis/apps/v1", 429}, {"/apis/apps/v1", 200}} {
		if status, text, _ := h.get(wanted.path); status != wanted.status {
			t.Errorf("%s: %d %s, not %d", wanted.path, status, text, wanted.status)
		}
	}
}

func TestAConnectionIsDroppedOrCut(t *testing.T) {
	h := newHouse(t)
	h.put("/rules", `[{"path": "/drop", "drop": true}, {"watch": true, "cutMs": 50}]`)
	if status, _, err := h.get("/drop"); status != 0 || err == nil {
		t.Errorf("a dropped request was answered with %d", status)
	}
	if status, text, err := h.get("/api?watch=true"); status != 200 || text != "hello\n" || err == nil {
		t.Errorf("a cut watch gave %d %q %v", status, text, err)
	}
}

func TestAClosedDoorRefusesAndOpensOnTheSamePort(t *testing.T) {
	h := newHouse(t)
	h.put("/open", "false")
	if status, _, err := h.get("/api"); status != 0 || err == nil {
		t.Errorf("a closed door answered with %d", status)
	}
	h.put("/open", "true")
	if status, _, err := h.get("/api"); status != 200 {
		t.Errorf("an open door answered with %d %v", status, err)
	}
}

func TestRulesThatAreNotUnderstoodAreRefused(t *testing.T) {
	h := newHouse(t)
	for _, wrong := range []string{`[{"path": "("}]`, `[{"stauts": 500}]`, `{}`} {
		if status, text := h.put("/rules", wrong); status != 400 {
			t.Errorf("%s: %d %s", wrong, status, text)
		}
	}
}
