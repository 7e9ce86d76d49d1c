package locks

import (
	"context"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/concurrent-go/concurrent"
	"github.com/concurrent-go/concurrent/driver"
	"github.com/concurrent-go/concurrent/drivers/memory"
)

// renewing is a memory store that a test can make answer renewals as it likes.
type renewing struct {
	*memory.Store

	mu      sync.Mutex
	sizes   []int // of the batches
	respond func(ctx context.Context, rs []driver.Request) (time.Time, []error)
}

func (s *renewing) ExtendAll(ctx context.Context, rs []driver.Request) (time.Time, []error) {
	s.mu.Lock()
	s.sizes = append(s.sizes, len(rs))
	respond := s.respond
	s.mu.Unlock()
	if respond != nil {
		return respond(ctx, rs)
	}
	return s.Store.ExtendAll(ctx, rs)
}

func (s *renewing) batches() []int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.sizes)
}

func (s *renewing) answer(f func(ctx context.Context, rs []driver.Request) (time.Time, []error)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.respond = f
}

// on has f run in virtual time with a registry whose default alias is st.
func on(t *testing.T, st driver.Store, f func(t *testing.T, r Option)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		r := concurrent.NewRegistry()
		if err := r.Configure(concurrent.Aliases{"default": {Store: st}}); err != nil {
			t.Fatal(err)
		}
		f(t, WithRegistry(r))
		if err := r.Shutdown(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

func holdMany(t *testing.T, n int, prefix string, opts ...Option) []*Lock {
	t.Helper()
	all := make([]*Lock, n)
	for i := range all {
		all[i] = Cache("default", prefix+strconv.Itoa(i), opts...)
		mustAcquire(t, all[i])
	}
	return all
}

func releaseAll(t *testing.T, all []*Lock) {
	t.Helper()
	for _, l := range all {
		mustRelease(t, l)
	}
}

// Leases got at about one time are renewed together, in one round trip; two
// where the end of a grain lies between them.
func TestRenewalsDueTogetherAreOneRoundTrip(t *testing.T) {
	st := &renewing{Store: memory.New()}
	on(t, st, func(t *testing.T, r Option) {
		var all []*Lock
		for i := range 10 {
			all = append(all, holdMany(t, 10, strconv.Itoa(i)+"/", r, WithKeepAlive(30*time.Second))...)
			time.Sleep(time.Millisecond)
		}
		time.Sleep(12 * time.Second)
		if got := st.batches(); len(got) > 2 {
			t.Errorf("100 leases were renewed in batches of %v, want one or two", got)
		}
		for _, l := range all {
			if got := l.Remaining(); got < 25*time.Second {
				t.Fatalf("after the renewal %v remain", got)
			}
		}
		releaseAll(t, all)
	})
}

func TestBatchesAreBounded(t *testing.T) {
	st := &renewing{Store: memory.New()}
	on(t, st, func(t *testing.T, r Option) {
		all := holdMany(t, 1200, "", r, WithKeepAlive(30*time.Second))
		time.Sleep(12 * time.Second)
		if got := st.batches(); !slices.Equal(got, []int{512, 512, 176}) {
			t.Errorf("1200 leases were renewed in batches of %v, want at most 512 each", got)
		}
		time.Sleep(time.Hour)
		for _, l := range all {
			if !l.Active() {
				t.Fatal("lost while it was renewed")
			}
		}
		releaseAll(t, all)
	})
}

// Each lease of a batch has an answer of its own.
func TestAnswersOfABatch(t *testing.T) {
	st := &renewing{Store: memory.New()}
	on(t, st, func(t *testing.T, r Option) {
		all := holdMany(t, 3, "", r, WithKeepAlive(30*time.Second))
		st.answer(func(ctx context.Context, rs []driver.Request) (time.Time, []error) {
			sent, errs := st.Store.ExtendAll(ctx, rs)
			if errs == nil {
				errs = make([]error, len(rs))
			}
			for i := range rs {
				switch rs[i].Key {
				case "0":
					errs[i] = driver.ErrNotHeld
				case "1":
					errs[i] = driver.ErrUnavailable
				}
			}
			return sent, errs
		})
		time.Sleep(12 * time.Second)
		synctest.Wait()
		if all[0].Active() {
			t.Error("active although the store does not know it")
		}
		if got := all[1].Remaining(); got < 17*time.Second || got > 18*time.Second {
			t.Errorf("%v remain of a lease that could not be renewed", got)
		}
		if got := all[2].Remaining(); got < 25*time.Second {
			t.Errorf("%v remain of a lease that was renewed beside one that was not", got)
		}
		time.Sleep(time.Minute)
		if all[1].Active() || !all[2].Active() {
			t.Errorf("a minute later: active %t and %t, want false and true", all[1].Active(), all[2].Active())
		}
		wantIs(t, all[0].Release(t.Context()), ErrLockLost, ErrNotHeld)
		wantIs(t, all[1].Release(t.Context()), ErrLockLost)
		mustRelease(t, all[2])
		time.Sleep(time.Minute)
	})
}

// single is a store without any optional interface.
type single struct {
	driver.Store
	extend func(ctx context.Context, r driver.Request) (time.Time, error)
}

func (s *single) Extend(ctx context.Context, r driver.Request) (time.Time, error) {
	return s.extend(ctx, r)
}

// A store that takes one lease a call is called for several at once, but not
// for all.
func TestStoreWithoutBatches(t *testing.T) {
	var now, most, calls atomic.Int32
	const atOnce = 16
	st := &single{Store: memory.New()}
	st.extend = func(ctx context.Context, r driver.Request) (time.Time, error) {
		calls.Add(1)
		n := now.Add(1)
		for at := most.Load(); n > at && !most.CompareAndSwap(at, n); at = most.Load() {
		}
		time.Sleep(10 * time.Millisecond)
		now.Add(-1)
		if r.Key == "7" {
			return time.Time{}, driver.ErrNotHeld
		}
		return st.Store.Extend(ctx, r)
	}
	on(t, st, func(t *testing.T, r Option) {
		all := holdMany(t, 100, "", r, WithKeepAlive(30*time.Second))
		time.Sleep(12 * time.Second)
		if calls.Load() != 100 || most.Load() != atOnce {
			t.Errorf("%d calls, %d at once; want 100, %d at once", calls.Load(), most.Load(), atOnce)
		}
		time.Sleep(time.Minute)
		for i, l := range all {
			if i == 7 {
				wantIs(t, l.Release(t.Context()), ErrLockLost, ErrNotHeld)
				continue
			}
			if !l.Active() {
				t.Fatal("lost while it was renewed")
			}
			mustRelease(t, l)
		}
	})
}

// A call that hangs delays the leases of about its length, and no others.
func TestHungRenewalDelaysNoOtherLength(t *testing.T) {
	st := &renewing{Store: memory.New()}
	on(t, st, func(t *testing.T, r Option) {
		short := Cache("default", "short", r, WithKeepAlive(5*time.Second))
		long := Cache("default", "long", r, WithKeepAlive(time.Minute))
		mustAcquire(t, short)
		mustAcquire(t, long)
		st.answer(func(ctx context.Context, rs []driver.Request) (time.Time, []error) {
			if rs[0].Key == "long" {
				time.Sleep(50 * time.Second) // ignores its context, against the contract
			}
			return st.Store.ExtendAll(ctx, rs)
		})
		for range 55 {
			time.Sleep(time.Second)
			if !short.Active() {
				t.Fatal("lost because another lease's renewal hangs")
			}
		}
		mustRelease(t, short)
		st.answer(nil)
		time.Sleep(time.Minute)
		_ = long.Release(t.Context())
	})
}

// No lock costs a goroutine, held or renewed.
func TestNoGoroutineALock(t *testing.T) {
	st := &renewing{Store: memory.New()}
	on(t, st, func(t *testing.T, r Option) {
		before := runtime.NumGoroutine()
		all := holdMany(t, 1000, "", r, WithKeepAlive(30*time.Second))
		time.Sleep(time.Minute)
		synctest.Wait()
		if more := runtime.NumGoroutine() - before; more > 2 {
			t.Errorf("1000 held locks take %d goroutines", more)
		}
		releaseAll(t, all)
	})
}
