package concurrent_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/concurrent-go/concurrent"
	"github.com/concurrent-go/concurrent/driver"
)

// observerFunc is an Observer.
type observerFunc func(ctx context.Context, e concurrent.Event)

func (f observerFunc) Observe(ctx context.Context, e concurrent.Event) { f(ctx, e) }

func event(r *concurrent.Registry) {
	if o := r.Observer(); o != nil {
		o.Observe(context.Background(), concurrent.Event{Kind: concurrent.EventLost, Alias: "a"})
	}
}

func TestRemovedObserverIsNotTold(t *testing.T) {
	r := registry(t)
	seen := new(recorder)
	first, second := r.Observe(seen), r.Observe(seen)
	event(r)
	if len(seen.events) != 2 {
		t.Errorf("one that was added twice was told %d times", len(seen.events))
	}
	first()
	first() // does nothing
	event(r)
	if len(seen.events) != 3 {
		t.Errorf("one that was added twice and removed once was told %d times", len(seen.events)-2)
	}
	second()
	event(r)
	if len(seen.events) != 3 || r.Observer() != nil {
		t.Error("a removed one was told")
	}
}

func TestObserverRemovedFromWithin(t *testing.T) {
	r := registry(t)
	var remove, removeOther func()
	var told, other int
	remove = r.Observe(observerFunc(func(context.Context, concurrent.Event) {
		told++
		remove()
		removeOther()
		r.Observe(new(recorder))
	}))
	removeOther = r.Observe(observerFunc(func(context.Context, concurrent.Event) { other++ }))
	event(r)
	event(r)
	if told != 1 || other != 0 {
		t.Errorf("the one that removed both was told %d times, the other %d times", told, other)
	}
}

func TestObserverThatPanicsKeepsNobodyFromTheEvent(t *testing.T) {
	r := registry(t)
	before, after := new(recorder), new(recorder)
	r.Observe(before)
	r.Observe(observerFunc(func(context.Context, concurrent.Event) { panic("boom") }))
	r.Observe(after)
	func() {
		defer func() {
			if p := recover(); p != "boom" {
				t.Errorf("recovered %v", p)
			}
		}()
		event(r)
	}()
	if len(before.events) != 1 || len(after.events) != 1 {
		t.Errorf("told %d and %d times", len(before.events), len(after.events))
	}
}

func TestObserveAgainstEvents(t *testing.T) {
	r := configured(t, newBackend(t))
	open(t, r, "default")
	var wg sync.WaitGroup
	var told atomic.Int64
	for range 4 {
		wg.Go(func() {
			for range 200 {
				remove := r.Observe(observerFunc(func(context.Context, concurrent.Event) { told.Add(1) }))
				event(r)
				remove()
			}
		})
	}
	wg.Wait()
	if r.Observer() != nil || told.Load() < 800 {
		t.Errorf("told %d times, left is %v", told.Load(), r.Observer())
	}
}

// What goes wrong in an observer while a store is opened keeps nobody from it.
func TestObserverThatFailsWhileAStoreIsOpened(t *testing.T) {
	for name, observe := range map[string]func(gate chan struct{}){
		"panics": func(chan struct{}) { panic("boom") },
		"hangs":  func(gate chan struct{}) { <-gate },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				warning := errors.New("it evicts keys")
				r, _ := faulty(t, &faultyStore{warn: func() []error { return []error{warning} }})
				gate := make(chan struct{})
				seen := new(recorder)
				r.Observe(observerFunc(func(context.Context, concurrent.Event) { observe(gate) }))
				r.Observe(seen)
				began := time.Now()
				if _, err := r.Store(t.Context(), "default"); err != nil || time.Since(began) > time.Second {
					t.Errorf("Store = %v after %v", err, time.Since(began))
				}
				synctest.Wait()
				// Both are told in goroutines of their own, in no order.
				slices.SortFunc(seen.events, func(a, b concurrent.Event) int {
					return strings.Compare(b.Err.Error(), a.Err.Error())
				})
				want := map[string]int{"hangs": 1, "panics": 2}[name]
				if len(seen.events) != want || !errors.Is(seen.events[0].Err, warning) {
					t.Fatalf("the other was told %v", seen.events)
				}
				if name == "panics" {
					says(t, seen.events[1].Err, "observerFunc panicked: boom")
				}
				close(gate)
			})
		})
	}
}

func TestObserverThatEndsTheRegistryWhileAStoreIsOpened(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, b := faulty(t, &faultyStore{warn: func() []error { return []error{errors.New("it evicts keys")} }})
		ended := make(chan error, 2)
		r.Observe(observerFunc(func(context.Context, concurrent.Event) {
			ended <- r.Remove(t.Context(), "default")
			ended <- r.Shutdown(t.Context())
		}))
		_, _ = r.Store(t.Context(), "default")
		if err := errors.Join(<-ended, <-ended); err != nil {
			t.Error(err)
		}
		if b.closes.Load() != 1 {
			t.Errorf("closed %d times", b.closes.Load())
		}
	})
}

// Nobody could remove an observer whose Observe panicked.
func TestObserveThatPanics(t *testing.T) {
	r, _ := faulty(t, &faultyStore{warn: func() []error { return []error{driver.ErrUnfit} }})
	open(t, r, "default")
	func() {
		defer func() {
			if recover() != "boom" {
				t.Error("the panic did not go on")
			}
		}()
		r.Observe(observerFunc(func(context.Context, concurrent.Event) { panic("boom") }))
	}()
	if r.Observer() != nil {
		t.Error("the observer is still told")
	}
}
