package concurrent

import (
	"context"
	"fmt"
	"reflect"
	"runtime"
	"slices"
	"sync/atomic"
	"time"

	"github.com/concurrent-go/concurrent/driver"
)

// An observing is one call of Observe: an Observer may be added twice, and is
// told twice then.
type observing struct {
	Observer
	removed atomic.Bool
}

// Observe adds an Observer, which is told of everything from now on, and of
// the warnings of the stores that are open already, until remove is called. A
// call of o that had begun by then may still run. Observe and remove may be
// called by an Observer that is being told. Without Observers, events cost
// nothing. It panics if o is nil.
func (r *Registry) Observe(o Observer) (remove func()) {
	if o == nil {
		panic("concurrent: Observe of a nil Observer")
	}
	added := &observing{Observer: o}
	// An alias is either open now, or finds o when it is made known.
	r.mu.Lock()
	r.setObservers(append(slices.Clone(r.observing), added))
	opened := r.load().opened()
	r.mu.Unlock()
	told := false
	defer func() {
		if !told { // o panicked, and nobody gets to call remove
			r.unobserve(added)
		}
	}()
	for _, a := range opened {
		for _, e := range a.warnings() {
			o.Observe(context.Background(), e)
		}
	}
	told = true
	return func() { r.unobserve(added) }
}

func (r *Registry) unobserve(o *observing) {
	o.removed.Store(true)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.setObservers(slices.DeleteFunc(slices.Clone(r.observing), func(other *observing) bool { return other == o }))
}

// setObservers makes known who is told of events. r.mu is held.
func (r *Registry) setObservers(all []*observing) {
	r.observing = all
	if len(all) == 0 {
		r.observed.Store(nil)
		return
	}
	one := Observer(observers(all))
	r.observed.Store(&one)
}

// Observer returns one Observer that tells all that were added, or nil if there
// is none. It costs one atomic load. It is for package locks.
func (r *Registry) Observer() Observer {
	if o := r.observed.Load(); o != nil {
		return *o
	}
	return nil
}

// observers tells each in turn, also when one of them panics. There is one at least.
type observers []*observing

func (os observers) Observe(ctx context.Context, e Event) {
	if len(os) > 1 {
		defer os[1:].Observe(ctx, e)
	}
	os[0].tell(ctx, e)
}

// tell tells o. All that an observer is told of locks goes through here: see
// withinObserver.
func (o *observing) tell(ctx context.Context, e Event) {
	if !o.removed.Load() {
		o.Observe(ctx, e)
	}
}

var tellName = runtime.FuncForPC(reflect.ValueOf((*observing).tell).Pointer()).Name()

// withinObserver reports whether an observer calls that is being told of a lock, in a
// goroutine whose caller may hold locks. The context that it was given would not tell:
// an observer that shuts down makes one of its own.
func withinObserver() bool {
	var pcs [64]uintptr
	for skip := 2; ; skip += len(pcs) {
		n := runtime.Callers(skip, pcs[:])
		if n == 0 {
			return false
		}
		frames := runtime.CallersFrames(pcs[:n])
		for more := true; more; {
			var f runtime.Frame
			if f, more = frames.Next(); f.Function == tellName {
				return true
			}
		}
	}
}

// warnings returns the events that tell what the store warns of.
func (o *Opened) warnings() []Event {
	w, ok := o.store.(driver.Warner)
	if !ok {
		return nil
	}
	var errs []error
	err := o.alias.guard(func() error {
		errs = w.Warnings()
		return nil
	})
	if err != nil {
		errs = []error{err}
	}
	events := make([]Event, len(errs))
	for i, err := range errs {
		events[i] = o.warning(o.alias.scrub(err))
	}
	return events
}

func (o *Opened) warning(err error) Event {
	return Event{Kind: EventStoreWarning, Alias: o.alias.name, Err: err}
}

// warnAll tells all of them what the store warns of, side by side, and waits
// for them no longer than the grace: one that hangs keeps nobody from the store.
func (o *Opened) warnAll(all []*observing) {
	if len(all) == 0 {
		return
	}
	events := o.warnings()
	if len(events) == 0 {
		return
	}
	enough := time.After(grace)
	tellings := make([]<-chan error, len(all))
	for i, each := range all {
		tellings[i] = o.tell(each, events)
	}
	for i, telling := range tellings {
		select {
		case err := <-telling:
			if err != nil {
				o.warnOthers(all, i, err)
			}
		case <-enough:
			return
		}
	}
}

// tell tells one observer in a goroutine of its own, and sends what became of
// it: nil, or that it panicked.
func (o *Opened) tell(observer *observing, events []Event) <-chan error {
	return inBackground(func() (err error) {
		defer func() {
			if p := recover(); p != nil {
				err = o.alias.scrub(panicked(fmt.Sprintf("concurrent: the observer %T", observer.Observer), p))
			}
		}()
		for _, e := range events {
			if !observer.removed.Load() {
				observer.Observe(context.Background(), e)
			}
		}
		return nil
	})
}

// warnOthers tells all but one of them that this one failed.
func (o *Opened) warnOthers(all []*observing, failed int, err error) {
	for i, other := range all {
		if i != failed {
			o.tell(other, []Event{o.warning(err)})
		}
	}
}
