package concurrent_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/concurrent-go/concurrent"
	"github.com/concurrent-go/concurrent/driver"
)

func TestRemovedAliasIsConfiguredAgain(t *testing.T) {
	old, other := newBackend(t), newBackend(t)
	r := configured(t, old)
	r.MustConfigure(concurrent.Aliases{"other": {URL: other.url}})
	o := open(t, r, "default")
	open(t, r, "other")
	if o.Registry() != r {
		t.Error("Opened has another registry")
	}
	if err := r.Remove(t.Context(), "default"); err != nil {
		t.Fatal(err)
	}
	if old.closes.Load() != 1 || other.closes.Load() != 0 {
		t.Errorf("closed %d and %d times", old.closes.Load(), other.closes.Load())
	}
	if _, err := r.Store(t.Context(), "default"); !errors.Is(err, concurrent.ErrUnknownAlias) {
		t.Errorf("Store of a removed alias = %v", err)
	}
	if err := r.Remove(t.Context(), "default"); !errors.Is(err, concurrent.ErrUnknownAlias) {
		t.Errorf("Remove of a removed alias = %v", err)
	}
	if d := o.Attach(newDrainer).(*drainer); d.drained.Load() != 1 {
		t.Error("locks could be taken on a removed alias")
	}
	b := newBackend(t)
	if err := r.Configure(concurrent.Aliases{"default": {URL: b.url}}); err != nil {
		t.Fatal(err)
	}
	if open(t, r, "default") == o || b.opens.Load() != 1 {
		t.Error("the old store is found")
	}
}

func TestRemoveOfWhatIsNotOpen(t *testing.T) {
	own := newBackend(t).store()
	b := newBackend(t)
	r := configured(t, b)
	r.MustConfigure(concurrent.Aliases{"own": {Store: own}})
	open(t, r, "own")
	for _, alias := range []string{"default", "own"} {
		if err := r.Remove(t.Context(), alias); err != nil {
			t.Error(err)
		}
	}
	if b.opens.Load() != 0 || own.backend.closes.Load() != 0 {
		t.Errorf("opened %d times, the program's own store closed %d times", b.opens.Load(), own.backend.closes.Load())
	}
	if err := errors.Join(r.Shutdown(t.Context())); err != nil {
		t.Fatal(err)
	}
	if err := r.Remove(t.Context(), "default"); !errors.Is(err, driver.ErrClosed) {
		t.Errorf("Remove after Shutdown = %v", err)
	}
}

func TestWhileAnAliasIsRemoved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBackend(t)
		r := configured(t, b)
		d := &drainer{free: make(chan struct{})}
		open(t, r, "default").Attach(func(*concurrent.Opened) concurrent.Drainer { return d })
		first := make(chan error, 1)
		go func() { first <- r.Remove(t.Context(), "default") }()
		synctest.Wait()
		if _, err := r.Store(t.Context(), "default"); !errors.Is(err, driver.ErrClosed) {
			t.Errorf("Store = %v, want ErrClosed", err)
		}
		says(t, r.Configure(concurrent.Aliases{"default": {URL: b.url}}), "being removed")
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := r.Remove(ctx, "default"); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("a second Remove = %v, want to wait for the first", err)
		}
		second := make(chan error, 1)
		go func() { second <- r.Remove(t.Context(), "default") }()
		synctest.Wait()
		close(d.free)
		if err := errors.Join(<-first, <-second); err != nil {
			t.Error(err)
		}
		if err := r.Configure(concurrent.Aliases{"default": {URL: b.url}}); err != nil {
			t.Error(err)
		}
	})
}

// Shutdown waits for a Remove, and cuts it short when its own time is over.
func TestShutdownDuringRemove(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBackend(t)
		r := configured(t, b)
		d := &drainer{free: make(chan struct{})}
		open(t, r, "default").Attach(func(*concurrent.Opened) concurrent.Drainer { return d })
		removed := make(chan error, 1)
		go func() { removed <- r.Remove(t.Context(), "default") }()
		synctest.Wait()
		says(t, endsInTime(t, r, (*concurrent.Registry).Shutdown), `drain alias "default"`)
		if err := <-removed; !errors.Is(err, context.Canceled) {
			t.Errorf("Remove = %v, want that it was cut short", err)
		}
		if b.closes.Load() != 1 || d.drained.Load() != 1 {
			t.Errorf("closed %d times, drained %d times", b.closes.Load(), d.drained.Load())
		}
	})
}

func TestOpenAgainstRemove(t *testing.T) {
	for range 200 {
		b := newBackend(t)
		r := configured(t, b)
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() {
				_, err := r.Open(t.Context(), "default")
				if err != nil && !errors.Is(err, driver.ErrClosed) && !errors.Is(err, concurrent.ErrUnknownAlias) {
					t.Error(err)
				}
				_ = r.Stats()
			})
		}
		for range 2 {
			wg.Go(func() {
				if err := r.Remove(t.Context(), "default"); err != nil && !errors.Is(err, concurrent.ErrUnknownAlias) {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if b.opens.Load() != b.closes.Load() {
			t.Fatalf("%d stores were opened and %d closed", b.opens.Load(), b.closes.Load())
		}
	}
}

// counting is a Drainer that has counted.
type counting struct {
	drainer
	stats atomic.Pointer[concurrent.AliasStats]
}

func (c *counting) Stats() concurrent.AliasStats { return *c.stats.Load() }

func TestStats(t *testing.T) {
	r := registry(t)
	r.MustConfigure(concurrent.Aliases{
		"b": {URL: newBackend(t).url}, "a": {URL: newBackend(t).url}, "c": {URL: newBackend(t).url}, "unused": {URL: newBackend(t).url},
	})
	if got := r.Stats(); len(got) != 0 {
		t.Errorf("nothing is open, Stats are %v", got)
	}
	open(t, r, "b")
	c := new(counting)
	c.stats.Store(&concurrent.AliasStats{Alias: "other", Held: 2, Acquired: 7})
	var during []concurrent.AliasStats
	c.during = func() { during = r.Stats() }
	open(t, r, "a").Attach(func(*concurrent.Opened) concurrent.Drainer { return c })
	broken := new(counting) // its Stats panic
	open(t, r, "c").Attach(func(*concurrent.Opened) concurrent.Drainer { return broken })
	want := []concurrent.AliasStats{{Alias: "a", Held: 2, Acquired: 7}, {Alias: "b"}, {Alias: "c"}}
	if got := r.Stats(); !slices.Equal(got, want) {
		t.Errorf("Stats are %+v, want %+v", got, want)
	}
	if err := r.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(during, want) {
		t.Errorf("while it was shut down, Stats were %+v, want %+v", during, want)
	}
	if got := r.Stats(); len(got) != 0 {
		t.Errorf("after Shutdown, Stats are %v", got)
	}
}
