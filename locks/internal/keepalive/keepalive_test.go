package keepalive_test

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/concurrent-go/concurrent/driver"
	"github.com/concurrent-go/concurrent/locks/internal/keepalive"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A lease is one that is kept alive, and what it was told.
type lease struct {
	n, class int
	left     time.Duration // 0: it need not be renewed

	mu    sync.Mutex
	begun int
	told  []told
}

type told struct {
	sent time.Time
	err  error
	took time.Duration
}

func (l *lease) Class() int { return l.class }

func (l *lease) Begin() (driver.Request, time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.begun++
	return driver.Request{Key: strconv.Itoa(l.n)}, l.left
}

func (l *lease) tell(w told) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.told = append(l.told, w)
}

func (l *lease) Renewed(sent time.Time, took time.Duration) { l.tell(told{sent: sent, took: took}) }
func (l *lease) Failed(err error, took time.Duration)       { l.tell(told{err: err, took: took}) }

// heard returns what the lease was told, once.
func (l *lease) heard(t *testing.T) told {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.told) != 1 || l.begun != 1 {
		t.Fatalf("lease %d was begun %d times and told %v, want each once", l.n, l.begun, l.told)
	}
	return l.told[0]
}

// untouched reports that the lease was not begun.
func (l *lease) untouched() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.begun == 0
}

// leases returns n of a minute each, of one class.
func leases(n, class int) []*lease {
	all := make([]*lease, n)
	for i := range all {
		all[i] = &lease{n: i, class: class, left: time.Minute}
	}
	return all
}

// A bench is a Renewer and its goroutines.
type bench struct {
	*keepalive.Renewer[*lease]
	end     context.CancelFunc
	running sync.WaitGroup
	started int
	refuses bool
}

func in(t *testing.T, store keepalive.Store, f func(t *testing.T, b *bench)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		life, end := context.WithCancel(t.Context())
		b := &bench{end: end}
		b.Renewer = keepalive.New[*lease](life, store, func(f func()) bool {
			if b.refuses {
				return false
			}
			b.started++
			b.running.Go(f)
			return true
		})
		defer b.running.Wait()
		defer end()
		f(t, b)
	})
}

func yes(context.Context, []driver.Request) (time.Time, []error) { return time.Now(), nil }

// hang answers when ctx ends, with its error.
func hang(ctx context.Context, rs []driver.Request) (time.Time, []error) {
	<-ctx.Done()
	return time.Time{}, slices.Repeat([]error{ctx.Err()}, len(rs))
}

func TestLeasesAreRenewedInBatches(t *testing.T) {
	var sizes []int
	var asked []string
	store := keepalive.Store{ExtendAll: func(_ context.Context, rs []driver.Request) (time.Time, []error) {
		sizes = append(sizes, len(rs)) // calls of one class come one after another
		for _, r := range rs {
			asked = append(asked, r.Key)
		}
		return time.Now(), nil
	}}
	in(t, store, func(t *testing.T, b *bench) {
		due := leases(1100, 1)
		b.Renew(due...)
		synctest.Wait()
		if !slices.Equal(sizes, []int{512, 512, 76}) || b.started != 1 {
			t.Errorf("calls of %v leases in %d goroutines, want 512, 512 and 76 in one", sizes, b.started)
		}
		for i, l := range due {
			if asked[i] != strconv.Itoa(i) || l.heard(t).err != nil {
				t.Fatalf("lease %d was asked for as %s, and told %v", i, asked[i], l.heard(t))
			}
		}
	})
}

func TestRenewalTellsWhenItLeftAndHowLongItTook(t *testing.T) {
	var sent time.Time
	store := keepalive.Store{ExtendAll: func(context.Context, []driver.Request) (time.Time, []error) {
		time.Sleep(30 * time.Millisecond)
		sent = time.Now()
		time.Sleep(40 * time.Millisecond)
		return sent, nil
	}}
	in(t, store, func(t *testing.T, b *bench) {
		due := leases(1, 1)
		b.Renew(due...)
		time.Sleep(time.Second)
		if got := due[0].heard(t); got != (told{sent: sent, took: 70 * time.Millisecond}) {
			t.Errorf("told %+v, want that it left at %v and took 70ms", got, sent)
		}
	})
}

func TestClassesDoNotDelayEachOther(t *testing.T) {
	store := keepalive.Store{ExtendAll: func(ctx context.Context, rs []driver.Request) (time.Time, []error) {
		if rs[0].Key == "0" {
			return hang(ctx, rs)
		}
		return yes(ctx, rs)
	}}
	in(t, store, func(t *testing.T, b *bench) {
		hung, behind, other := leases(1, 1)[0], leases(2, 1)[1], leases(2, 2)[1]
		b.Renew(hung)
		synctest.Wait()
		b.Renew(behind, other)
		synctest.Wait()
		if other.heard(t).err != nil || !behind.untouched() {
			t.Error("a hung call did not delay its class only")
		}
		time.Sleep(10 * time.Second) // a sixth of the lease
		synctest.Wait()
		if !errors.Is(hung.heard(t).err, context.DeadlineExceeded) || behind.heard(t).err != nil {
			t.Errorf("told %v and %v, want a time-out and a renewal after it", hung.told, behind.told)
		}
	})
}

func TestRenewerRunsOnlyWhileSomethingIsDue(t *testing.T) {
	in(t, keepalive.Store{ExtendAll: yes}, func(t *testing.T, b *bench) {
		b.Renew()
		if b.started != 0 {
			t.Error("a goroutine was started for nothing")
		}
		for i := range 3 {
			due := leases(1, 1)
			b.Renew(due...)
			b.running.Wait() // it ends
			if due[0].heard(t).err != nil || b.started != i+1 {
				t.Errorf("renewal %d: %v, in goroutine %d", i, due[0].heard(t), b.started)
			}
		}
	})
}

func TestRefusedGoroutineIsTriedAgain(t *testing.T) {
	in(t, keepalive.Store{ExtendAll: yes}, func(t *testing.T, b *bench) {
		due := leases(2, 1)
		b.refuses = true
		b.Renew(due[0])
		b.refuses = false
		b.Renew(due[1])
		synctest.Wait()
		if due[0].heard(t).err != nil || due[1].heard(t).err != nil {
			t.Error("not renewed")
		}
	})
}

func TestLeaseThatIsOverIsNotAskedFor(t *testing.T) {
	var asked []string
	calls := 0
	store := keepalive.Store{ExtendAll: func(_ context.Context, rs []driver.Request) (time.Time, []error) {
		calls++
		for _, r := range rs {
			asked = append(asked, r.Key)
		}
		return time.Now(), nil
	}}
	in(t, store, func(t *testing.T, b *bench) {
		due := leases(3, 1)
		due[1].left = 0
		b.Renew(due...)
		synctest.Wait()
		if !slices.Equal(asked, []string{"0", "2"}) || due[1].told != nil {
			t.Errorf("asked for %v, and told the lease that is over %v", asked, due[1].told)
		}
		alone := &lease{n: 7, class: 1}
		b.Renew(alone)
		synctest.Wait()
		if calls != 1 || alone.told != nil {
			t.Errorf("%d calls, want none where nothing is to be renewed", calls-1)
		}
	})
}

func TestCallIsBoundedByTheShortestLease(t *testing.T) {
	for _, test := range []struct {
		left []time.Duration
		want time.Duration
	}{
		{[]time.Duration{time.Minute}, 10 * time.Second},
		{[]time.Duration{time.Minute, 6 * time.Second, 30 * time.Second}, time.Second},
		{[]time.Duration{time.Minute, 1}, keepalive.LeastCall},
		{[]time.Duration{driver.Forever}, driver.Forever / 6},
		{[]time.Duration{0, 6 * time.Second}, time.Second},
	} {
		for _, batches := range []bool{true, false} {
			var bound time.Duration
			store := keepalive.Store{Extend: func(ctx context.Context, _ driver.Request) (time.Time, error) {
				until, _ := ctx.Deadline()
				bound = time.Until(until)
				return time.Now(), nil
			}}
			if batches {
				store.ExtendAll = func(ctx context.Context, rs []driver.Request) (time.Time, []error) {
					_, _ = store.Extend(ctx, rs[0])
					return time.Now(), nil
				}
			}
			in(t, store, func(t *testing.T, b *bench) {
				due := leases(len(test.left), 1)
				for i, left := range test.left {
					due[i].left = left
				}
				if !batches {
					due = due[len(due)-1:] // calls at once would write bound at once
					due[0].left = slices.Min(slices.DeleteFunc(slices.Clone(test.left), func(d time.Duration) bool { return d == 0 }))
				}
				b.Renew(due...)
				synctest.Wait()
				if bound != test.want {
					t.Errorf("a call for leases that last %v may take %v, want %v", test.left, bound, test.want)
				}
			})
		}
	}
}

func TestCallsEndWithTheRenewersLife(t *testing.T) {
	in(t, keepalive.Store{ExtendAll: hang}, func(t *testing.T, b *bench) {
		due := leases(1, 1)
		b.Renew(due...)
		synctest.Wait()
		b.end()
		synctest.Wait()
		if err := due[0].heard(t).err; !errors.Is(err, context.Canceled) {
			t.Errorf("told %v", err)
		}
	})
}

func TestEachLeaseIsToldItsOwnAnswer(t *testing.T) {
	store := keepalive.Store{ExtendAll: func(_ context.Context, rs []driver.Request) (time.Time, []error) {
		return time.Now(), []error{nil, driver.ErrNotHeld, nil}
	}}
	in(t, store, func(t *testing.T, b *bench) {
		due := leases(3, 1)
		b.Renew(due...)
		synctest.Wait()
		for i, want := range []error{nil, driver.ErrNotHeld, nil} {
			if got := due[i].heard(t).err; !errors.Is(got, want) {
				t.Errorf("lease %d was told %v, want %v", i, got, want)
			}
		}
	})
}

func TestWrongNumberOfAnswersIsNone(t *testing.T) {
	for _, n := range []int{0, 1, 2, 4} {
		store := keepalive.Store{ExtendAll: func(context.Context, []driver.Request) (time.Time, []error) {
			return time.Now(), make([]error, n)
		}}
		in(t, store, func(t *testing.T, b *bench) {
			due := leases(3, 1)
			b.Renew(due...)
			synctest.Wait()
			for _, l := range due {
				if err := l.heard(t).err; !errors.Is(err, driver.ErrUnavailable) || !strings.Contains(err.Error(), strconv.Itoa(n)+" of 3") {
					t.Errorf("%d answers to three requests: told %v", n, err)
				}
			}
		})
	}
}

func TestPanickingDriverIsAnError(t *testing.T) {
	for name, store := range map[string]keepalive.Store{
		"batches":    {ExtendAll: func(context.Context, []driver.Request) (time.Time, []error) { panic("a bug") }},
		"one by one": {Extend: func(context.Context, driver.Request) (time.Time, error) { panic("a bug") }},
	} {
		in(t, store, func(t *testing.T, b *bench) {
			due := leases(3, 1)
			b.Renew(due...)
			synctest.Wait()
			for _, l := range due {
				if err := l.heard(t).err; !errors.Is(err, driver.ErrUnavailable) || !strings.Contains(err.Error(), "a bug") {
					t.Errorf("%s: told %v", name, err)
				}
			}
		})
	}
}

func TestOneByOneHasSixteenCallsAtOnce(t *testing.T) {
	var mu sync.Mutex
	now, most := 0, 0
	count := func(n int) {
		mu.Lock()
		defer mu.Unlock()
		now += n
		most = max(most, now)
	}
	store := keepalive.Store{Extend: func(_ context.Context, r driver.Request) (time.Time, error) {
		count(1)
		defer count(-1)
		time.Sleep(time.Second)
		if r.Key == "20" {
			return time.Time{}, driver.ErrNotHeld
		}
		return time.Now(), nil
	}}
	in(t, store, func(t *testing.T, b *bench) {
		due := leases(40, 1)
		b.Renew(due...)
		time.Sleep(3 * time.Second) // three rounds
		synctest.Wait()
		if most != 16 {
			t.Errorf("%d calls at once, want 16", most)
		}
		for i, l := range due {
			got := l.heard(t)
			if failed := got.err != nil; failed != (i == 20) || got.took != time.Second {
				t.Errorf("lease %d was told %+v", i, got)
			}
		}
	})
}
