package batch

import (
	"sync/atomic"
	"time"
)

// After an answer that took slowAfter no call is made inline for inlineAgain.
const (
	slowAfter   = 25 * time.Millisecond
	inlineAgain = time.Second
)

// started is when the clock of this package shows zero.
var started = time.Now()

// A slowDetector knows when a call last took too long to be made inline.
type slowDetector struct{ at atomic.Int64 }

func (s *slowDetector) note() { s.at.Store(int64(time.Since(started)) + 1) }

func (s *slowDetector) recent() bool {
	at := s.at.Load()
	return at != 0 && int64(time.Since(started))-at < int64(inlineAgain)
}
