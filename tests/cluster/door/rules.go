package door

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"sync"
)

// Rule is what happens to requests that fit all its patterns. The first rule that fits counts.
type Rule struct {
	// Method, Path and Agent are regular expressions; empty ones fit everything.
	Method string `json:"method,omitempty"`
	Path   string `json:"path,omitempty"`
	Agent  string `json:"agent,omitempty"`
	// Watch fits watches only, or all but watches; both if it is not set.
	Watch *bool `json:"watch,omitempty"`
	// Times is how often the rule counts, 0 for always.
	Times int `json:"times,omitempty"`

	// DelayMs passes before anything else happens.
	DelayMs int `json:"delayMs,omitempty"`
	// Status is answered instead of the API server's answer, such as 429 or 500.
	Status int `json:"status,omitempty"`
	// RetryAfter goes with Status, in seconds; 0 leaves the header out.
	RetryAfter int `json:"retryAfter,omitempty"`
	// Drop closes the connection without an answer.
	Drop bool `json:"drop,omitempty"`
	// CutMs after its start the request's connection is closed, whatever has been answered.
	CutMs int `json:"cutMs,omitempty"`

	// Seen is how often the rule has counted.
	Seen int `json:"seen"`

	method, path, agent *regexp.Regexp
}

// rules of a door, changed while it is used.
type rules struct {
	mu   sync.Mutex
	list []*Rule
}

// readRules takes a JSON list; a field that is not known is an error, lest a test fail for a typing error in it.
func readRules(body io.Reader) ([]*Rule, error) {
	decoder := json.NewDecoder(body)
	decoder.DisallowUnknownFields()
	list := []*Rule{}
	if err := decoder.Decode(&list); err != nil {
		return nil, fmt.Errorf("this is no list of rules: %w", err)
	}
	for number, rule := range list {
		for _, pattern := range []struct {
			text string
			to   **regexp.Regexp
		}{{rule.Method, &rule.method}, {rule.Path, &rule.path}, {rule.Agent, &rule.agent}} {
			compiled, err := regexp.Compile(pattern.text)
			if err != nil {
				return nil, fmt.Errorf("rule %d: %w", number+1, err)
			}
			*pattern.to = compiled
		}
	}
	return list, nil
}

func (r *rules) set(list []*Rule) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.list = list
}

func (r *rules) write(w io.Writer) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	list := r.list
	if list == nil {
		list = []*Rule{}
	}
	return json.NewEncoder(w).Encode(list)
}

// find gives the rule for a request and counts it; one that does nothing if none fits.
func (r *rules) find(request *http.Request) Rule {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, rule := range r.list {
		if rule.fits(request) && (rule.Times == 0 || rule.Seen < rule.Times) {
			rule.Seen++
			return *rule
		}
	}
	return Rule{}
}

func (r *Rule) fits(request *http.Request) bool {
	watch := request.URL.Query().Get("watch")
	watches := watch == "true" || watch == "1"
	return r.method.MatchString(request.Method) && r.path.MatchString(request.URL.Path) &&
		r.agent.MatchString(request.UserAgent()) && (r.Watch == nil || *r.Watch == watches)
}
