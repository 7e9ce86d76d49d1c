package requests

import (
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/concurrent-go/concurrent/driver"
)

// Refused asks for what must be held.
func Refused(t *testing.T, s driver.Store, r driver.Request) {
	t.Helper()
	if _, err := s.TryAcquire(t.Context(), r); !errors.Is(err, driver.ErrHeld) {
		t.Errorf("TryAcquire(%s in mode %v): %v, want ErrHeld", r.Key, r.Mode, err)
	}
}

// Sizes has two stores, that share their locks, hold permits of different numbers of
// one semaphore: each is granted while fewer than its own number are held, by anybody.
func Sizes(t *testing.T, one, two driver.Store) {
	permit := func(n int) driver.Request { return In(driver.Slots(n), Ask(t.Name(), time.Minute)) }
	var held []driver.Request
	take := func(s driver.Store, n int) {
		t.Helper()
		r := permit(n)
		Take(t, s, r)
		held = append(held, r)
	}
	take(one, 5)
	take(two, 5)
	take(one, 3)
	for _, s := range []driver.Store{one, two} {
		Refused(t, s, permit(1))
		Refused(t, s, permit(3))
		Refused(t, s, In(driver.Exclusive, permit(1)))
		Refused(t, s, In(driver.Shared, permit(1)))
	}
	take(two, 4)
	Refused(t, one, permit(4))
	take(one, 5)
	Refused(t, two, permit(5))
	take(two, 7)
	Refused(t, one, permit(6))
	take(one, 7)
	small := Wait(t, two, permit(2))
	for i, s := range []driver.Store{one, two, one, two, one} {
		GiveBack(t, s, held[i])
		if i < 4 {
			Refused(t, one, permit(6-i))
		}
	}
	select {
	case <-small.Done:
		t.Fatalf("a permit of 2 was granted beside 2 that are held: %v", small.Err)
	case <-time.After(100 * time.Millisecond):
	}
	GiveBack(t, two, held[5])
	small.Granted(t, 10*time.Second)
	Refused(t, one, permit(2))
	take(one, 3)
	GiveBack(t, two, small.Request)
	GiveBack(t, one, held[6])
	GiveBack(t, one, held[7])
	Take(t, two, In(driver.Exclusive, permit(1)))
}

// SizesAtOnce has goroutines take permits of one semaphore, of different numbers, from
// several stores that share their locks. None is granted beside as many as its number
// that were held all the while that it was asked for.
func SizesAtOnce(t *testing.T, rounds int, stores ...driver.Store) {
	type grant struct{ n, asked, got, left int64 }
	var mu sync.Mutex
	var all []*grant
	base := time.Now()
	now := func() int64 { return int64(time.Since(base)) }
	var group sync.WaitGroup
	for i := range 12 {
		s := stores[i%len(stores)]
		group.Go(func() {
			for round := range rounds {
				g := &grant{n: int64(1 + (i+round/8)%5), asked: now()}
				r := In(driver.Slots(int(g.n)), Ask(t.Name(), time.Minute))
				if _, err := s.TryAcquire(t.Context(), r); errors.Is(err, driver.ErrHeld) {
					continue
				} else if err != nil {
					t.Errorf("TryAcquire: %v", err)
					return
				}
				g.got = now()
				<-time.After(time.Duration(round%3) * time.Millisecond)
				g.left = now()
				mu.Lock()
				all = append(all, g)
				mu.Unlock()
				if err := s.Release(t.Context(), r); err != nil {
					t.Errorf("Release: %v", err)
				}
			}
		})
	}
	group.Wait()
	byNumber := map[int64]int{}
	for _, g := range all {
		beside := int64(0)
		for _, other := range all {
			if other.got < g.asked && other.left > g.got {
				beside++
			}
		}
		if beside >= g.n {
			t.Errorf("a permit of %d was granted beside %d that are held", g.n, beside)
		}
		byNumber[g.n]++
	}
	t.Logf("granted, by number: %v", byNumber)
	Take(t, stores[0], Ask(t.Name(), time.Minute)) // nothing is left
}
