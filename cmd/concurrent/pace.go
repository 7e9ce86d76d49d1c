package main

import (
	"time"

	"github.com/concurrent-go/concurrent/locks"
)

// A pace says how early a program is ended whose lease is not renewed. The
// lease's local deadline, one percent and two milliseconds before its end on
// the store, is the latest moment at which the program may still run: margin
// before that it is killed, and grace before that again it is told to end.
//
//	renewed      TERM           KILL    deadline  end on the store
//	|------------|--------------|-------|---------|
//	              <-- grace -->  <margin>
//
// Renewal begins at a third of the lease, so that at least a third of it is
// left for repeating one that failed, before anybody is told to end.
type pace struct{ grace, margin time.Duration }

const (
	maxGrace  = 5 * time.Second
	maxMargin = 500 * time.Millisecond
)

// paceOf is the pace for a lease of which that much is left when it is new.
func paceOf(lease time.Duration) pace {
	return pace{grace: min(lease/4, maxGrace), margin: min(lease/20, maxMargin)}
}

// notice is how much of the lease is left when the program is told to end.
func (p pace) notice() time.Duration { return p.grace + p.margin }

// until returns how long a program that was told to end now may take, if
// remaining is left of its lease; nothing or less: no time at all.
func (p pace) until(remaining time.Duration) time.Duration {
	if remaining == locks.Forever {
		return p.grace
	}
	return min(p.grace, remaining-p.margin)
}
