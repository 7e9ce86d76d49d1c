package memory

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/concurrent-go/concurrent/driver"
)

// A detector sees two holders of a key that exclude each other.
type detector struct {
	readers, writers atomic.Int64
	last             atomic.Uint64
}

func (d *detector) enter(t *testing.T, mode driver.Mode, token uint64) {
	if mode == driver.Shared {
		d.readers.Add(1)
		if d.writers.Load() != 0 {
			t.Error("a reader beside a writer")
		}
		return
	}
	if d.writers.Add(1) != 1 || d.readers.Load() != 0 {
		t.Error("a writer beside another holder")
	}
	if last := d.last.Swap(token); last >= token {
		t.Errorf("token %d after %d", token, last)
	}
}

func (d *detector) leave(mode driver.Mode) {
	if mode == driver.Shared {
		d.readers.Add(-1)
	} else {
		d.writers.Add(-1)
	}
}

// Waits are cancelled at the moment they are granted, again and again: none may
// overlap, and at the end nothing is held and nobody waits.
func TestCancelRacesGrant(t *testing.T) {
	const workers, rounds, keys = 16, 2000, 2
	s := New()
	var seen [keys]detector
	var granted, cancelled atomic.Int64
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			for i := range rounds {
				key := rand.IntN(keys)
				r := ask(fmt.Sprint(key), fmt.Sprintf("%d.%d", w, i), driver.Mode(-rand.IntN(2)))
				ctx, cancel := context.WithCancel(t.Context())
				if rand.IntN(2) == 0 {
					wg.Go(cancel)
				}
				g, err := s.Acquire(ctx, r)
				if err == nil {
					granted.Add(1)
					seen[key].enter(t, r.Mode, g.Token)
					seen[key].leave(r.Mode)
					giveBack(t, s, r)
				} else if cancelled.Add(1); !errors.Is(err, context.Canceled) {
					t.Error(err)
				}
				cancel()
			}
		})
	}
	wg.Wait()
	if n := s.entries(); n != 0 {
		t.Errorf("%d keys are still held or waited for", n)
	}
	if granted.Load() == 0 || cancelled.Load() == 0 {
		t.Errorf("%d granted and %d cancelled: nothing raced", granted.Load(), cancelled.Load())
	}
}

// Short leases end while they are waited for, extended, broken and released.
func TestExpiryRacesEverything(t *testing.T) {
	const workers, keys = 8, 3
	s := New()
	ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
	defer cancel()
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			for i := 0; ctx.Err() == nil; i++ {
				mode := []driver.Mode{driver.Exclusive, driver.Shared, driver.Slots(2)}[rand.IntN(3)]
				r := lasting(ask(fmt.Sprint(rand.IntN(keys)), fmt.Sprintf("%d.%d", w, i), mode), time.Millisecond)
				if _, err := s.Acquire(ctx, r); err != nil {
					continue
				}
				var err error
				switch rand.IntN(5) { // 4: leave it to expire
				case 0:
					err = s.Release(ctx, r)
				case 1:
					_, err = s.Extend(ctx, r)
				case 2:
					err = s.Keep(ctx, r)
				case 3:
					_, err = s.Break(ctx, r.Key)
				}
				if err != nil && !errors.Is(err, driver.ErrNotHeld) && ctx.Err() == nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	for i := range keys { // whatever is left ends, and hands the key over
		r := ask(fmt.Sprint(i), "last", driver.Exclusive)
		if _, err := s.Acquire(t.Context(), r); err != nil {
			t.Fatal(err)
		}
		giveBack(t, s, r)
	}
	if n := s.entries(); n != 0 {
		t.Errorf("%d keys are still in memory", n)
	}
}

// A store is closed while others of its name hold, wait, break and list.
func TestCloseRacesEverything(t *testing.T) {
	const rounds, workers, keys = 100, 6, 4
	b := newBackend()
	var seen [keys]detector
	for range rounds {
		stays, goes := &Store{backend: b}, &Store{backend: b}
		var wg sync.WaitGroup
		for w := range workers {
			s := []*Store{stays, goes}[w%2]
			wg.Go(func() {
				for i := range 100 {
					key := rand.IntN(keys)
					r := ask(fmt.Sprint(key), fmt.Sprintf("%d.%d", w, i), driver.Exclusive)
					g, err := s.Acquire(t.Context(), r)
					if s == goes && errors.Is(err, driver.ErrClosed) {
						return
					} else if err != nil {
						t.Error(err)
						return
					}
					if s == stays { // the other's lease may end under it
						seen[key].enter(t, r.Mode, g.Token)
						seen[key].leave(r.Mode)
					}
					if err := s.Release(t.Context(), r); err != nil && (s == stays || !errors.Is(err, driver.ErrClosed)) {
						t.Error(err)
					}
				}
			})
		}
		for range 2 {
			wg.Go(func() {
				if err := goes.Close(); err != nil {
					t.Error(err)
				}
				for i := range keys {
					if s := holder(b, fmt.Sprint(i)); s == goes {
						t.Error("a closed store holds a key")
					}
				}
			})
		}
		wg.Wait()
		if n := stays.entries(); n != 0 {
			t.Fatalf("%d keys are still held or waited for", n)
		}
	}
}

// holder is the store of the first lease on key.
func holder(b *backend, key string) *Store {
	sh := b.shard(key)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	if e := sh.entries[key]; e != nil && len(e.leases) > 0 {
		return e.leases[0].store
	}
	return nil
}

func TestListenersRaceLosses(t *testing.T) {
	s := New()
	var calls atomic.Int64
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 500 {
				s.NotifyLost(func(driver.Loss) { calls.Add(1) })()
			}
		})
	}
	s.NotifyLost(func(driver.Loss) { calls.Add(1) })
	const breaks = 500
	for i := range breaks {
		take(t, s, ask("k", fmt.Sprint(i), driver.Exclusive))
		if _, err := s.Break(t.Context(), "k"); err != nil {
			t.Fatal(err)
		}
	}
	wg.Wait()
	if n := calls.Load(); n < breaks {
		t.Errorf("told %d times of %d losses", n, breaks)
	}
	if n := s.losses.Len(); n != 1 {
		t.Errorf("%d listeners are left, want 1", n)
	}
}
