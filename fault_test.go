package concurrent_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/concurrent-go/concurrent"
	"github.com/concurrent-go/concurrent/driver"
)

// faultyStore does what a test puts in, and else what a probeStore does.
type faultyStore struct {
	*probeStore
	close    func() error
	warn     func() []error
	features func() driver.Features
}

func (s *faultyStore) Close() error {
	s.backend.closes.Add(1)
	if s.close != nil {
		return s.close()
	}
	return nil
}

func (s *faultyStore) Warnings() []error {
	if s.warn != nil {
		return s.warn()
	}
	return nil
}

func (s *faultyStore) Features() driver.Features {
	if s.features != nil {
		return s.features()
	}
	return driver.Features{}
}

// faulty returns a registry with an alias "default" on that store.
func faulty(t *testing.T, s *faultyStore) (*concurrent.Registry, *backend) {
	t.Helper()
	b := newBackend(t)
	s.probeStore = b.store()
	b.open = func(context.Context) (driver.Store, error) { return s, nil }
	return configured(t, b), b
}

// bothEnds runs a test for Shutdown and for Remove of "default".
func bothEnds(t *testing.T, test func(t *testing.T, end func(*concurrent.Registry, context.Context) error)) {
	for name, end := range map[string]func(*concurrent.Registry, context.Context) error{
		"Shutdown": (*concurrent.Registry).Shutdown,
		"Remove": func(r *concurrent.Registry, ctx context.Context) error {
			return r.Remove(ctx, "default")
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { test(t, end) })
		})
	}
}

// endsInTime fails the test unless end returns ctx's error about when it ends.
func endsInTime(t *testing.T, r *concurrent.Registry, end func(*concurrent.Registry, context.Context) error) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	began := time.Now()
	err := end(r, ctx)
	if took := time.Since(began); took > 1250*time.Millisecond {
		t.Errorf("it took %v, want a second and a quarter at most", took)
	}
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("it returned %v, want ctx's error", err)
	}
	if err != nil && strings.Contains(err.Error(), "\n") {
		t.Errorf("the error has several lines: %v", err)
	}
	return err
}

func TestEndWithADrainerThatHangs(t *testing.T) {
	bothEnds(t, func(t *testing.T, end func(*concurrent.Registry, context.Context) error) {
		r, b := faulty(t, new(faultyStore))
		gate := make(chan struct{})
		open(t, r, "default").Attach(func(*concurrent.Opened) concurrent.Drainer {
			return &drainer{during: func() { <-gate }}
		})
		err := endsInTime(t, r, end)
		says(t, err, `drain alias "default"`, "in the background")
		if b.closes.Load() != 1 {
			t.Error("the store was not closed")
		}
		close(gate)
	})
}

// What hangs in several places is given the quarter of a second once.
func TestEndWithADrainerAndACloseThatHang(t *testing.T) {
	bothEnds(t, func(t *testing.T, end func(*concurrent.Registry, context.Context) error) {
		gate := make(chan struct{})
		r, _ := faulty(t, &faultyStore{close: func() error { <-gate; return nil }})
		open(t, r, "default").Attach(func(*concurrent.Opened) concurrent.Drainer {
			return &drainer{during: func() { <-gate }}
		})
		says(t, endsInTime(t, r, end), `drain alias "default"`, `close alias "default"`)
		close(gate)
	})
}

// Removes that are under way are cut short at the same time.
func TestShutdownDuringRemovesThatHang(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, gate := registry(t), make(chan struct{})
		for _, alias := range []string{"one", "two", "three", "four"} {
			r.MustConfigure(concurrent.Aliases{alias: {URL: newBackend(t).url}})
			open(t, r, alias).Attach(func(*concurrent.Opened) concurrent.Drainer {
				return &drainer{during: func() { <-gate }}
			})
			go func() { _ = r.Remove(context.Background(), alias) }()
		}
		synctest.Wait()
		says(t, endsInTime(t, r, (*concurrent.Registry).Shutdown), `alias "one"`, `alias "four"`)
		close(gate)
	})
}

func TestEndWithACloseThatHangs(t *testing.T) {
	bothEnds(t, func(t *testing.T, end func(*concurrent.Registry, context.Context) error) {
		gate := make(chan struct{})
		r, _ := faulty(t, &faultyStore{close: func() error { <-gate; return nil }})
		open(t, r, "default")
		err := endsInTime(t, r, end)
		says(t, err, `close alias "default"`, `the driver of "probe"`, "in the background")
		close(gate)
	})
}

func TestEndWhileADriverIsOpening(t *testing.T) {
	bothEnds(t, func(t *testing.T, end func(*concurrent.Registry, context.Context) error) {
		b, gate := gated(t, false)
		r := configured(t, b)
		got := make(chan error, 1)
		go func() { _, err := r.Store(t.Context(), "default"); got <- err }()
		synctest.Wait()
		begun := time.Now()
		go func() {
			if err := <-got; !errors.Is(err, driver.ErrClosed) || time.Since(begun) != 0 {
				t.Errorf("who was opening got %v after %v, want ErrClosed at once", err, time.Since(begun))
			}
		}()
		says(t, endsInTime(t, r, end), "still opening")
		close(gate)
		synctest.Wait()
		if b.closes.Load() != 1 {
			t.Error("a store that came late was left open")
		}
	})
}

// A quick close is waited for and told of even when ctx had ended before.
func TestEndWithAnEndedContext(t *testing.T) {
	bothEnds(t, func(t *testing.T, end func(*concurrent.Registry, context.Context) error) {
		closing := errors.New("can't close")
		r, _ := faulty(t, &faultyStore{close: func() error { time.Sleep(100 * time.Millisecond); return closing }})
		open(t, r, "default")
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		err := end(r, ctx)
		if !errors.Is(err, closing) || errors.Is(err, context.Canceled) {
			t.Errorf("it returned %v, want only the error of closing: nothing was cut short", err)
		}
	})
}

func TestEndWithPanics(t *testing.T) {
	bothEnds(t, func(t *testing.T, end func(*concurrent.Registry, context.Context) error) {
		boom := errors.New("boom")
		r, _ := faulty(t, &faultyStore{close: func() error { panic(boom) }})
		open(t, r, "default").Attach(func(*concurrent.Opened) concurrent.Drainer {
			return &drainer{during: func() { panic("drained\ndry") }}
		})
		err := end(r, t.Context())
		says(t, err, `drain alias "default"`, "panicked: drained; dry", `close alias "default"`, `the driver of "probe" panicked: boom`)
		if !errors.Is(err, boom) || strings.Contains(err.Error(), "\n") {
			t.Errorf("it returned %v", err)
		}
	})
}

func TestEndCalledFromWithin(t *testing.T) {
	bothEnds(t, func(t *testing.T, end func(*concurrent.Registry, context.Context) error) {
		r, b := faulty(t, new(faultyStore))
		within := make(chan error, 1)
		open(t, r, "default").Attach(func(*concurrent.Opened) concurrent.Drainer {
			return &drainer{during: func() {
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				within <- end(r, ctx) // as an observer may that is told of the drain
			}}
		})
		if err := end(r, t.Context()); err != nil {
			t.Error(err)
		}
		if err := <-within; !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("within, it returned %v", err)
		}
		if b.closes.Load() != 1 {
			t.Errorf("closed %d times", b.closes.Load())
		}
	})
}

// An observer that is told of a lock can't wait for ever for those who may wait for it:
// it is told so at once, and the end goes on.
func TestEndCalledByAnObserver(t *testing.T) {
	bothEnds(t, func(t *testing.T, end func(*concurrent.Registry, context.Context) error) {
		for _, joins := range []bool{false, true} {
			r, b := faulty(t, new(faultyStore))
			free := make(chan struct{})
			o := open(t, r, "default")
			o.Attach(func(*concurrent.Opened) concurrent.Drainer { return &drainer{free: free} })
			if joins {
				go func() { _ = end(r, context.Background()) }()
				synctest.Wait()
			}
			for range 2 { // alone, and beside another
				r.Observe(observerFunc(func(context.Context, concurrent.Event) {
					says(t, end(r, context.Background()), "in the background", "an observer")
					_ = endsInTime(t, r, end) // who has a deadline waits for it
				}))
			}
			o.Observer().Observe(t.Context(), concurrent.Event{Kind: concurrent.EventReleased})
			synctest.Wait()
			if b.closes.Load() != 0 {
				t.Error("the store was closed before it was drained")
			}
			close(free)
			synctest.Wait()
			if b.closes.Load() != 1 {
				t.Errorf("closed %d times", b.closes.Load())
			}
		}
	})
}

// What panics while a store is opened is an error, and the next call tries
// again.
func TestOpenWithPanics(t *testing.T) {
	for name, c := range map[string]struct {
		store  *faultyStore
		closes int64
	}{
		"Open":     {nil, 0},
		"Features": {&faultyStore{features: func() driver.Features { panic("boom s3cr3t") }}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBackend(t)
			raw := strings.Replace(b.url, "://", "://u:s3cr3t@", 1)
			b.open = func(context.Context) (driver.Store, error) {
				switch {
				case b.opens.Load() > 1:
					return b.store(), nil
				case c.store == nil:
					panic("boom s3cr3t")
				}
				c.store.probeStore = b.store()
				return c.store, nil
			}
			r := registry(t)
			r.MustConfigure(concurrent.Aliases{"default": {URL: raw}})
			_, err := r.Store(t.Context(), "default")
			says(t, err, `open alias "default"`, `the driver of "probe" panicked: boom ***`)
			if b.closes.Load() != c.closes {
				t.Errorf("closed %d times, want %d", b.closes.Load(), c.closes)
			}
			if _, err := r.Store(t.Context(), "default"); err != nil {
				t.Errorf("the next call: %v", err)
			}
		})
	}
}

func TestWarningsThatPanic(t *testing.T) {
	r, _ := faulty(t, &faultyStore{warn: func() []error { panic("boom") }})
	seen := new(recorder)
	r.Observe(seen)
	open(t, r, "default")
	if len(seen.events) != 1 {
		t.Fatalf("told %v", seen.events)
	}
	says(t, seen.events[0].Err, `the driver of "probe" panicked: boom`)
}

func TestConnectorThatPanics(t *testing.T) {
	err := registry(t).Configure(concurrent.Aliases{"a": {URL: "probe://u:s3cr3t@panics"}})
	if !errors.Is(err, concurrent.ErrInvalidConfig) {
		t.Fatalf("Configure = %v", err)
	}
	says(t, err, `alias "a"`, `the driver of "probe" panicked`)
	showsNot(t, "the error", err.Error(), secret)
}
