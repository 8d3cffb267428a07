package kubelet

import (
	"sync"
	"time"
)

// keepLines of one run are kept; the oldest go first.
const keepLines = 2000

// line is one line of a container's log.
type line struct {
	time time.Time
	text string
}

// run is the log of one run of one container, read while it grows.
type run struct {
	mu      sync.Mutex
	lines   []line
	dropped int
	over    bool
	// changed is closed and replaced with every line and at the end.
	changed chan struct{}
}

func newRun() *run { return &run{changed: make(chan struct{})} }

// say appends a line.
func (r *run) say(text string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.lines = append(r.lines, line{time.Now().UTC(), text})
	if len(r.lines) > keepLines {
		r.lines = r.lines[1:]
		r.dropped++
	}
	close(r.changed)
	r.changed = make(chan struct{})
}

// end lets followers see the end of the log. It may be called twice.
func (r *run) end() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.over {
		r.over = true
		close(r.changed)
		r.changed = make(chan struct{})
	}
}

// after gives the lines from a position on, the position behind them, whether no more will come, and what is closed
// when there are more.
func (r *run) after(position int) ([]line, int, bool, <-chan struct{}) {
	r.mu.Lock()
	defer r.mu.Unlock()
	skip := max(position-r.dropped, 0)
	lines := append([]line(nil), r.lines[min(skip, len(r.lines)):]...)
	return lines, r.dropped + len(r.lines), r.over, r.changed
}
