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

// waitingAfter is when a store that has not answered is taken to wait for the
// key: it does not say when it begins to.
const waitingAfter = 10 * time.Millisecond

// tellWaiting tells, once, that p waits.
func (p *place) tellWaiting() {
	if !p.told {
		p.told = true
		p.space.tellKey(concurrent.EventWaiting, p.key, 0, nil)
	}
}

// watched has it told that p waits if the store does not answer soon. The
// caller calls answered before it tells how the wait ended.
func (p *place) watched() (answered func()) {
	sp, key := p.space, p.key // a timer must not keep p's Lock from being collected
	if p.told || sp.observer() == nil {
		return func() {}
	}
	told := make(chan struct{})
	timer := time.AfterFunc(waitingAfter, func() {
		sp.tellKey(concurrent.EventWaiting, key, 0, nil)
		close(told)
	})
	return func() {
		if !timer.Stop() {
			<-told
			p.told = true
		}
	}
}

func (sp *space) tellKey(kind concurrent.EventKind, key string, took time.Duration, err error) {
	if o := sp.observer(); o != nil {
		o.Observe(context.Background(), concurrent.Event{
			Kind: kind, Alias: sp.alias, Key: sp.unprefixed(key), Took: took, Err: err,
		})
	}
}

var errNilFunc = errors.New("the function is nil")
