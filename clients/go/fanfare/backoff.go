package fanfare

import (
	"math/rand/v2"
	"time"
)

const (
	firstBound   = 100 * time.Millisecond
	longestBound = 10 * time.Second
)

// A waits says how long to wait before coming back: full jitter, anything
// between nothing and a bound that doubles. The chance keeps those who were cut
// together from coming back together.
type waits struct {
	failures int
}

func (w *waits) succeeded() {
	w.failures = 0
}

func (w *waits) next() time.Duration {
	bound := longestBound
	if doubled := firstBound << min(w.failures, 16); doubled < longestBound {
		bound = doubled
	}
	w.failures++
	return rand.N(bound)
}
