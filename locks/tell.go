package locks

import (
	"context"
	"errors"
	"time"

	"github.com/concurrent-go/concurrent"
)

// tell tells the observer, if there is one, about a lease.
func (sp *space) tell(kind concurrent.EventKind, l *lease, took time.Duration, err error) {
	if o := sp.observer(); o != nil {
		o.Observe(context.Background(), concurrent.Event{
			Kind: kind, Alias: sp.alias, Key: sp.unprefixed(l.key),
			Token: l.token, Took: took, Err: err,
		})
	}
}

// began returns the time if somebody wants to know how long something took.
func (sp *space) began() time.Time {
	if sp.observer() == nil {
		return time.Time{}
	}
	return time.Now()
}

// tellSince is tell with the time since began.
func (sp *space) tellSince(kind concurrent.EventKind, l *lease, began time.Time) {
	if !began.IsZero() {
		sp.tell(kind, l, time.Since(began), nil)
	}
}

// tellRefused tells that key was not got.
func (sp *space) tellRefused(key string, began time.Time, err error) {
	if began.IsZero() {
		return
	}
	sp.tellKey(concurrent.EventRefused, key, time.Since(began), err)
}

// tellWaiting tells that an Acquire has joined the line for key.
func (sp *space) tellWaiting(key string) { sp.tellKey(concurrent.EventWaiting, key, 0, nil) }

func (sp *space) tellKey(kind concurrent.EventKind, key string, took time.Duration, err error) {
	if o := sp.observer(); o != nil {
		o.Observe(context.Background(), concurrent.Event{
			Kind: kind, Alias: sp.alias, Key: sp.unprefixed(key), Took: took, Err: err,
		})
	}
}

var errNilFunc = errors.New("the function is nil")
