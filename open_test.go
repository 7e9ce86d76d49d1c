package concurrent_test

import (
	"context"
	"errors"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/concurrent-go/concurrent"
	"github.com/concurrent-go/concurrent/driver"
)

func TestStoreIsOpenedOnceAndShared(t *testing.T) {
	b := newBackend(t)
	r := configured(t, b)
	var wg sync.WaitGroup
	stores := make([]driver.Store, 32)
	for i := range stores {
		wg.Go(func() {
			var err error
			if stores[i], err = r.Store(t.Context(), "default"); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	o, err := r.Open(t.Context(), "default")
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range stores {
		if s != o.Store() {
			t.Fatal("two callers have two stores")
		}
	}
	if n := b.opens.Load(); n != 1 {
		t.Errorf("the store was opened %d times", n)
	}
}

func TestAliasesOfOneURLHaveStoresOfTheirOwn(t *testing.T) {
	b := newBackend(t)
	r := configured(t, b)
	r.MustConfigure(concurrent.Aliases{"second": {URL: b.url}})
	one, err1 := r.Store(t.Context(), "default")
	two, err2 := r.Store(t.Context(), "second")
	if err1 != nil || err2 != nil || one == two {
		t.Errorf("one store for two aliases: %v, %v", err1, err2)
	}
}

func TestFailedOpenIsTriedAgain(t *testing.T) {
	b := newBackend(t)
	b.open = func(context.Context) (driver.Store, error) {
		if b.opens.Load() < 3 {
			return nil, driver.ErrUnavailable
		}
		return b.store(), nil
	}
	r := configured(t, b)
	for range 2 {
		_, err := r.Store(t.Context(), "default")
		if !errors.Is(err, driver.ErrUnavailable) {
			t.Fatalf("Store = %v, want ErrUnavailable", err)
		}
		says(t, err, `"default"`)
	}
	if _, err := r.Store(t.Context(), "default"); err != nil {
		t.Errorf("the third try: %v", err)
	}
}

// gated returns a backend whose opening waits for the gate, or for the context
// if it heeds that.
func gated(t *testing.T, heeds bool) (b *backend, gate chan struct{}) {
	b, gate = newBackend(t), make(chan struct{})
	b.open = func(ctx context.Context) (driver.Store, error) {
		var done <-chan struct{}
		if heeds {
			done = ctx.Done()
		}
		select {
		case <-gate:
			return b.store(), nil
		case <-done:
			return nil, ctx.Err()
		}
	}
	return b, gate
}

func TestOpeningDoesNotEndWithItsFirstCaller(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, gate := gated(t, true)
		r := configured(t, b)
		first, cancel := context.WithCancel(t.Context())
		errs := make(chan error, 2)
		go func() { _, err := r.Store(first, "default"); errs <- err }()
		synctest.Wait()
		go func() { _, err := r.Store(t.Context(), "default"); errs <- err }()
		synctest.Wait()
		cancel()
		if err := <-errs; !errors.Is(err, context.Canceled) {
			t.Errorf("the cancelled caller got %v", err)
		}
		close(gate)
		if err := <-errs; err != nil {
			t.Errorf("the other caller got %v", err)
		}
		if n := b.opens.Load(); n != 1 {
			t.Errorf("the store was opened %d times", n)
		}
	})
}

func TestOpeningGoesOnWithoutCallers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, gate := gated(t, true)
		r := configured(t, b)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		began := time.Now()
		if _, err := r.Store(ctx, "default"); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Store = %v", err)
		}
		if d := time.Since(began); d != time.Second {
			t.Errorf("it returned after %v, at once is 1s", d)
		}
		close(gate)
		if _, err := r.Store(t.Context(), "default"); err != nil || b.opens.Load() != 1 {
			t.Errorf("the next caller: %v, %d opens", err, b.opens.Load())
		}
	})
}

func TestOpenOfAnEndedContextOpensNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBackend(t)
		r := configured(t, b)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_, err := r.Store(ctx, "default")
		synctest.Wait()
		if !errors.Is(err, context.Canceled) || b.opens.Load() != 0 {
			t.Errorf("Store = %v, %d opens", err, b.opens.Load())
		}
		if _, err := r.Store(t.Context(), "default"); err != nil {
			t.Fatal(err)
		}
		if _, err := r.Store(ctx, "default"); err != nil {
			t.Errorf("an open store needs no context: %v", err)
		}
	})
}

func TestOpeningIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, _ := gated(t, true)
		r := configured(t, b)
		began := time.Now()
		_, err := r.Store(t.Context(), "default")
		if time.Since(began) != 30*time.Second {
			t.Errorf("Store = %v after %v", err, time.Since(began))
		}
		isUnanswered(t, "Store", err)
	})
}

// isUnanswered fails the test unless err says that the store of "default" is away, and
// that the time was up, once each.
func isUnanswered(t *testing.T, call string, err error) {
	t.Helper()
	if !errors.Is(err, driver.ErrUnavailable) || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%s = %v, want ErrUnavailable and DeadlineExceeded", call, err)
	}
	says(t, err, `alias "default"`)
	for _, words := range []string{"default", driver.ErrUnavailable.Error(), context.DeadlineExceeded.Error()} {
		if n := strings.Count(err.Error(), words); n != 1 {
			t.Errorf("%s says %q %d times: %v", call, words, n, err)
		}
	}
}

// A deadline that passes while a driver is at it tells of the store; a context that is
// cancelled, or that had ended before, tells of the caller alone.
func TestDeadlineOfACallThatADriverDoesNotAnswer(t *testing.T) {
	for name, call := range map[string]func(*concurrent.Registry, context.Context) error{
		"Store": func(r *concurrent.Registry, ctx context.Context) error { _, err := r.Store(ctx, "default"); return err },
		"Open":  func(r *concurrent.Registry, ctx context.Context) error { _, err := r.Open(ctx, "default"); return err },
		"Ping":  func(r *concurrent.Registry, ctx context.Context) error { return r.Ping(ctx, "default") },
	} {
		for what, heeds := range map[string]bool{"heeds its context": true, "ignores it": false} {
			t.Run(name+" of a driver that "+what, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					b, gate := gated(t, heeds)
					r := configured(t, b)
					ctx, cancel := context.WithTimeout(t.Context(), time.Second)
					defer cancel()
					isUnanswered(t, name, call(r, ctx))
					ended := call(r, ctx)
					ctx, cancel = context.WithCancel(t.Context())
					time.AfterFunc(time.Second, cancel)
					cancelled := call(r, ctx)
					if errors.Is(ended, driver.ErrUnavailable) || errors.Is(cancelled, driver.ErrUnavailable) ||
						!errors.Is(ended, context.DeadlineExceeded) || !errors.Is(cancelled, context.Canceled) {
						t.Errorf("ended: %v; cancelled: %v", ended, cancelled)
					}
					close(gate)
					synctest.Wait()
				})
			})
		}
	}
}

// A driver that does not look at its context holds nobody up, is not asked
// again while it is at it, and its store is used when it comes.
func TestDriverThatIgnoresItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, gate := gated(t, false)
		r := configured(t, b)
		began := time.Now()
		for range 3 {
			_, err := r.Store(t.Context(), "default")
			if !errors.Is(err, driver.ErrUnavailable) {
				t.Fatalf("Store = %v, want ErrUnavailable", err)
			}
			says(t, err, "not answered for 31s")
		}
		if d := time.Since(began); d != 31*time.Second {
			t.Errorf("three tries took %v, want 31s", d)
		}
		close(gate)
		synctest.Wait()
		if _, err := r.Store(t.Context(), "default"); err != nil || b.opens.Load() != 1 {
			t.Errorf("after the driver returned: %v, %d opens", err, b.opens.Load())
		}
	})
}

func TestDriverThatOpensNothing(t *testing.T) {
	for name, open := range map[string]func(context.Context) (driver.Store, error){
		"nil and nil": func(context.Context) (driver.Store, error) { return nil, nil },
		"goexit":      func(context.Context) (driver.Store, error) { runtime.Goexit(); return nil, nil },
	} {
		t.Run(name, func(t *testing.T) {
			b := newBackend(t)
			b.open = open
			_, err := configured(t, b).Store(t.Context(), "default")
			says(t, err, `"default"`, "neither a store nor an error")
		})
	}
}

func TestOwnStore(t *testing.T) {
	own := newBackend(t).store()
	r := registry(t)
	r.MustConfigure(concurrent.Aliases{"own": {Store: own}})
	got, err := r.Store(t.Context(), "own")
	if err != nil || got != driver.Store(own) {
		t.Fatalf("Store = %v, %v", got, err)
	}
	if err := r.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	if own.backend.closes.Load() != 0 {
		t.Error("the program's own store was closed")
	}
}

func TestOpenOfAnOpenAliasAllocatesNothing(t *testing.T) {
	r := configured(t, newBackend(t))
	ctx := t.Context()
	if _, err := r.Open(ctx, "default"); err != nil {
		t.Fatal(err)
	}
	n := testing.AllocsPerRun(1000, func() {
		o, _ := r.Open(ctx, "default")
		_ = o.Observer()
		_ = o.Attach(newDrainer)
	})
	if n != 0 {
		t.Errorf("Open, Observer and Attach allocate %v times", n)
	}
}

func newDrainer(*concurrent.Opened) concurrent.Drainer { return &drainer{} }

func BenchmarkOpen(b *testing.B) {
	r := configured(b, newBackend(b))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := r.Open(b.Context(), "default"); err != nil {
			b.Fatal(err)
		}
	}
}
