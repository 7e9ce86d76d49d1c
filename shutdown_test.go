package concurrent_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/concurrent-go/concurrent"
	"github.com/concurrent-go/concurrent/driver"
)

// drainer drains when free is closed, nil: at once.
type drainer struct {
	free    chan struct{}
	drained atomic.Int64
	during  func()
}

func (d *drainer) Stats() concurrent.AliasStats { return concurrent.AliasStats{} }

func (d *drainer) Drain(ctx context.Context) error {
	d.drained.Add(1)
	if d.during != nil {
		d.during()
	}
	if d.free == nil {
		return ctx.Err()
	}
	select {
	case <-d.free:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func open(t *testing.T, r *concurrent.Registry, alias string) *concurrent.Opened {
	t.Helper()
	o, err := r.Open(t.Context(), alias)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func TestShutdownDrainsThenCloses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		one, two, unused := newBackend(t), newBackend(t), newBackend(t)
		r := concurrent.NewRegistry()
		r.MustConfigure(concurrent.Aliases{"one": {URL: one.url}, "two": {URL: two.url}, "unused": {URL: unused.url}})
		slow := func(*concurrent.Opened) concurrent.Drainer {
			return &drainer{during: func() { time.Sleep(3 * time.Second) }}
		}
		d := &drainer{}
		d.during = func() {
			time.Sleep(3 * time.Second)
			if one.closes.Load() != 0 {
				t.Error("the store was closed before it was drained")
			}
			if _, err := r.Open(t.Context(), "one"); !errors.Is(err, driver.ErrClosed) {
				t.Errorf("a lock can be opened while the store is drained: %v", err)
			}
		}
		open(t, r, "one").Attach(func(*concurrent.Opened) concurrent.Drainer { return d })
		open(t, r, "two").Attach(slow)
		began := time.Now()
		if err := r.Shutdown(t.Context()); err != nil {
			t.Errorf("Shutdown = %v", err)
		}
		if took := time.Since(began); took != 3*time.Second {
			t.Errorf("it took %v; drained at the same time, both take 3s", took)
		}
		if one.closes.Load() != 1 || two.closes.Load() != 1 || unused.opens.Load() != 0 {
			t.Errorf("closed %d and %d times, unused opened %d times", one.closes.Load(), two.closes.Load(), unused.opens.Load())
		}
	})
}

func TestShutdownWhoseContextEnds(t *testing.T) {
	for name, cause := range map[string]error{"plain": nil, "with a cause": errors.New("enough")} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBackend(t)
				closing := errors.New("probe: can't close")
				b.open = func(context.Context) (driver.Store, error) {
					return &probeStore{backend: b, closeErr: closing}, nil
				}
				r := configured(t, b)
				open(t, r, "default").Attach(func(*concurrent.Opened) concurrent.Drainer { return &drainer{free: make(chan struct{})} })
				ctx, cancel := context.WithTimeoutCause(t.Context(), time.Second, cause)
				defer cancel()
				err := r.Shutdown(ctx)
				if !errors.Is(err, context.DeadlineExceeded) || !errors.Is(err, closing) {
					t.Errorf("Shutdown = %v, want ctx's error and that of closing", err)
				}
				says(t, err, `drain alias "default"`, `close alias "default"`)
				if b.closes.Load() != 1 {
					t.Error("the store was not closed")
				}
			})
		})
	}
}

func TestShutdownTwice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBackend(t)
		r := configured(t, b)
		d := &drainer{free: make(chan struct{})}
		open(t, r, "default").Attach(func(*concurrent.Opened) concurrent.Drainer { return d })
		first := make(chan error, 1)
		go func() { first <- r.Shutdown(t.Context()) }()
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := r.Shutdown(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("a second Shutdown did not wait for the first: %v", err)
		}
		close(d.free)
		if err := errors.Join(<-first, r.Shutdown(t.Context())); err != nil {
			t.Error(err)
		}
		if b.closes.Load() != 1 || d.drained.Load() != 1 {
			t.Errorf("closed %d times, drained %d times", b.closes.Load(), d.drained.Load())
		}
	})
}

func TestEverythingIsClosedAfterShutdown(t *testing.T) {
	r := configured(t, newBackend(t))
	if err := r.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Setenv("CONCURRENT_URL", "probe://")
	_, store := r.Store(t.Context(), "default")
	_, opened := r.Open(t.Context(), "unknown")
	for what, err := range map[string]error{
		"Configure":            r.Configure(concurrent.Aliases{"a": {URL: "probe://"}}),
		"Configure of nothing": r.Configure(nil),
		"ConfigureEnv":         r.ConfigureEnv(),
		"Store":                store, "Open": opened,
	} {
		if !errors.Is(err, driver.ErrClosed) {
			t.Errorf("%s after Shutdown = %v, want ErrClosed", what, err)
		}
	}
}

func TestShutdownCancelsAnOpening(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, _ := gated(t, true)
		r := configured(t, b)
		got := make(chan error, 1)
		go func() { _, err := r.Store(t.Context(), "default"); got <- err }()
		synctest.Wait()
		began := time.Now()
		if err := r.Shutdown(t.Context()); err != nil || time.Since(began) != 0 {
			t.Errorf("Shutdown = %v after %v, want at once", err, time.Since(began))
		}
		if err := <-got; !errors.Is(err, driver.ErrClosed) {
			t.Errorf("who was opening got %v, want ErrClosed", err)
		}
	})
}

func TestStoreThatArrivesAfterShutdownIsClosed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, gate := gated(t, false)
		r := configured(t, b)
		got := make(chan error, 1)
		go func() {
			o, err := r.Open(t.Context(), "default")
			if o != nil {
				t.Error("a closed store was handed out")
			}
			got <- err
		}()
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := r.Shutdown(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Shutdown = %v, want ctx's error: a store is still being opened", err)
		}
		close(gate)
		if err := <-got; !errors.Is(err, driver.ErrClosed) {
			t.Errorf("who was opening got %v, want ErrClosed", err)
		}
		synctest.Wait()
		if b.closes.Load() != 1 {
			t.Error("a store that arrived after Shutdown was left open")
		}
	})
}

func TestErrorOfClosingShowsNoPassword(t *testing.T) {
	b := newBackend(t)
	raw := "probe://u:s3cr3t@" + b.url[len("probe://"):]
	b.open = func(context.Context) (driver.Store, error) {
		return &probeStore{backend: b, closeErr: fmt.Errorf("close %s", raw)}, nil
	}
	r := registry(t)
	r.MustConfigure(concurrent.Aliases{"a": {URL: raw}})
	open(t, r, "a")
	err := r.Shutdown(t.Context())
	says(t, err, `close alias "a"`, "***")
	showsNot(t, "the error", err.Error(), secret)
}

func TestOpenAgainstShutdown(t *testing.T) {
	for range 300 {
		b := newBackend(t)
		r := configured(t, b)
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() {
				if _, err := r.Open(t.Context(), "default"); err != nil && !errors.Is(err, driver.ErrClosed) {
					t.Error(err)
				}
			})
		}
		wg.Go(func() {
			if err := r.Shutdown(t.Context()); err != nil {
				t.Error(err)
			}
		})
		wg.Wait()
		if b.opens.Load() != b.closes.Load() {
			t.Fatalf("%d stores were opened and %d closed", b.opens.Load(), b.closes.Load())
		}
	}
}

func TestAttachMakesOneDrainer(t *testing.T) {
	o := open(t, configured(t, newBackend(t)), "default")
	var made, coming atomic.Int64
	got := make([]concurrent.Drainer, 16)
	var wg sync.WaitGroup
	for i := range got {
		wg.Go(func() {
			coming.Add(1)
			got[i] = o.Attach(func(given *concurrent.Opened) concurrent.Drainer {
				if given != o {
					t.Error("make was given another Opened")
				}
				made.Add(1)
				// The others come while this one is at it.
				for coming.Load() < int64(len(got)) {
					runtime.Gosched()
				}
				for range 100 {
					runtime.Gosched()
				}
				return new(drainer)
			})
		})
	}
	wg.Wait()
	for _, d := range got {
		if d != got[0] {
			t.Fatal("two callers have two Drainers")
		}
	}
	if made.Load() != 1 {
		t.Errorf("make was called %d times", made.Load())
	}
}

func TestAttachAfterAPanic(t *testing.T) {
	o := open(t, configured(t, newBackend(t)), "default")
	func() {
		defer func() {
			if recover() != "no" {
				t.Error("the panic did not pass through")
			}
		}()
		o.Attach(func(*concurrent.Opened) concurrent.Drainer { panic("no") })
	}()
	if d := o.Attach(newDrainer); d == nil {
		t.Error("nothing is attached")
	}
}

// Who opened an alias just before Shutdown may attach after it.
func TestAttachAfterShutdownIsDrained(t *testing.T) {
	r := configured(t, newBackend(t))
	o := open(t, r, "default")
	if err := r.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	d := o.Attach(newDrainer).(*drainer)
	if d.drained.Load() != 1 {
		t.Error("locks could be taken after Shutdown")
	}
}
