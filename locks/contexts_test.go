package locks

import (
	"context"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// ends fails unless ctx ends soon.
func ends(ctx context.Context, t *testing.T, what string) {
	t.Helper()
	over := make(chan struct{})
	go func() {
		<-ctx.Done()
		close(over)
	}()
	select {
	case <-over:
	case <-time.After(5 * time.Second):
		t.Fatalf("%s does not end", what)
	}
}

// Contexts that are made of contexts of the same lease, however they are nested and
// whatever is between them, end with it and with their parent, and block nobody.
func TestContextOfAContextOfTheSameLease(t *testing.T) {
	t.Parallel()
	between := map[string]func(context.Context) (context.Context, context.CancelFunc){
		"nothing": func(ctx context.Context) (context.Context, context.CancelFunc) { return ctx, func() {} },
		"cancel":  context.WithCancel,
		"timeout": func(ctx context.Context) (context.Context, context.CancelFunc) {
			return context.WithTimeout(ctx, time.Hour)
		},
		"value": func(ctx context.Context) (context.Context, context.CancelFunc) {
			return context.WithValue(ctx, contextKeyOfATest{}, 1), func() {}
		},
	}
	for name, make := range between {
		for _, depth := range []int{2, 3, 50} {
			for _, outside := range []bool{false, true} { // look at the outermost first, or the innermost
				r := memoryRegistry(t)
				for _, l := range []*Lock{Cache("default", "k", WithRegistry(r)), Local()} {
					mustAcquire(t, l)
					parent, cancel := context.WithCancel(context.Background())
					ctx := parent
					var all []context.Context
					for range depth {
						inner, stop := make(l.Context(ctx))
						defer stop()
						all = append(all, inner)
						ctx = inner
					}
					if outside {
						_ = all[0].Done()
					}
					_ = ctx.Done()
					mustRelease(t, l)
					for _, ctx := range all {
						ends(ctx, t, fmt.Sprintf("%s, %d deep", name, depth))
						wantIs(t, context.Cause(ctx), ErrNotHeld)
					}
					cancel()

					mustAcquire(t, l)
					parent, cancel = context.WithCancel(context.Background())
					ctx = l.Context(l.Context(parent))
					_ = ctx.Done()
					cancel()
					ends(ctx, t, "a context whose parent ended")
					if !l.Active() {
						t.Error("the lease ended with a context")
					}
					mustRelease(t, l)
				}
			}
		}
	}
}

// Contexts of several leases, nested in opposite order by goroutines beside releases
// and losses, block neither one another nor the leases of others.
func TestContextsNestedInOppositeOrder(t *testing.T) {
	t.Parallel()
	r := memoryRegistry(t)
	over := make(chan struct{})
	go func() {
		defer close(over)
		for i := range 2000 {
			a := Cache("default", "a", WithRegistry(r), WithExpire(time.Minute))
			b := Read("default", "b", WithRegistry(r))
			c := Local()
			var all sync.WaitGroup
			for _, l := range []*Lock{a, b, c} {
				if err := l.Acquire(context.Background()); err != nil {
					t.Error(err)
					return
				}
			}
			for _, order := range [][]*Lock{{a, b, c}, {b, a, c}, {c, b, a, c}, {a, a, b, b}} {
				all.Go(func() {
					ctx := context.Background()
					for _, l := range order {
						ctx = l.Context(ctx)
						if i%2 == 0 { // else all are looked at through the outermost
							_ = ctx.Done()
						}
					}
					<-ctx.Done()
				})
			}
			for _, l := range []*Lock{a, b, c} {
				all.Go(func() { _ = l.Release(context.Background()) })
			}
			all.Wait()
		}
	}()
	select {
	case <-over:
	case <-time.After(30 * time.Second):
		t.Fatal("contexts of several leases block one another")
	}
}

// Losses of other keys are told while contexts of contexts are used.
func TestContextOfAContextBesideALossOfAnotherKey(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		nested, other := b.cache("nested", WithExpire(time.Second)), b.cache("other", WithExpire(2*time.Second))
		mustAcquire(t, nested)
		mustAcquire(t, other)
		ctx := nested.Context(nested.Context(other.Context(nested.Context(t.Context()))))
		_ = ctx.Done()
		time.Sleep(10 * time.Second)
		wantIs(t, context.Cause(ctx), ErrLockExpired)
		wantIs(t, context.Cause(other.Context(t.Context())), ErrLockExpired)
		wantIs(t, nested.Release(t.Context()), ErrLockExpired)
		wantIs(t, other.Release(t.Context()), ErrLockExpired)
	})
}

// Acquiring a value with a context of its own lease is not waited for past the wait,
// whatever the mode.
func TestAcquireWithAContextOfTheValuesOwnLease(t *testing.T) {
	for name, make := range map[string]func(r Option, opts ...Option) *Lock{
		"read":   func(r Option, o ...Option) *Lock { return Read("default", "k", append(o, r)...) },
		"permit": func(r Option, o ...Option) *Lock { return Permit("default", "p", 2, append(o, r)...) },
		"cache":  func(r Option, o ...Option) *Lock { return Cache("default", "c", append(o, r)...) },
		"local":  func(_ Option, o ...Option) *Lock { return Local(o...) },
	} {
		in(t, func(t *testing.T, b *bench) {
			l := make(WithRegistry(b.Registry), WithWait(3*time.Second))
			mustAcquire(t, l)
			began := time.Now()
			done := meanwhile(func() error { return l.Acquire(l.Context(context.Background())) })
			select {
			case err := <-done:
				wantIs(t, err, ErrLockActive)
				if took := time.Since(began); took > 3*time.Second {
					t.Errorf("%s: took %v", name, took)
				}
			case <-time.After(time.Minute):
				t.Fatalf("%s: a wait of 3 s goes on after a minute", name)
			}
			mustRelease(t, l)
		})
	}
}

// Contexts of one lease whose parents are cancelled cost each the same, however many
// there are: those that ended are looked for so seldom that each is looked at three times
// at most, on average.
func TestManyContextsOfOneLeaseWithCancelledParents(t *testing.T) {
	for name, atOnce := range map[string]int{"one after another": 1, "in crowds": 500, "together": 6_000} {
		l := Cache("default", "k", WithRegistry(memoryRegistry(t)), WithExpire(Forever))
		mustAcquire(t, l)
		looked := 0
		const all = 6_000
		for range all / atOnce {
			var cancels []context.CancelFunc
			for range atOnce {
				parent, cancel := context.WithCancel(context.Background())
				cancels = append(cancels, cancel)
				if n, sweep := remembered(l); n >= sweep {
					looked += n
				}
				_ = l.Context(parent).Done()
			}
			for _, cancel := range cancels {
				cancel()
			}
		}
		if looked > 3*all {
			t.Errorf("%s: for %d contexts %d were looked at", name, all, looked)
		}
		mustRelease(t, l)
	}
}

// remembered returns how many contexts of l's lease have parents that end, and how many
// there may be before those that ended are forgotten.
func remembered(l *Lock) (n, sweep int) {
	x := l.current.Load().extras()
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.ends == nil {
		return 0, 0
	}
	return len(x.ends.more), x.ends.sweep
}

// Contexts whose parents never end keep no memory once they were dropped.
func TestContextsOfParentsThatNeverEndKeepNoMemory(t *testing.T) {
	r := memoryRegistry(t)
	for _, l := range []*Lock{Cache("default", "k", WithRegistry(r), WithExpire(Forever)), Local()} {
		mustAcquire(t, l)
		look := func(n int) {
			for range n {
				_ = l.Context(context.Background()).Done()
				_ = l.Context(context.WithValue(context.Background(), contextKeyOfATest{}, n)).Done()
				_ = l.Context(context.WithoutCancel(t.Context())).Done()
			}
		}
		heap := func() int64 {
			var m runtime.MemStats
			runtime.GC()
			runtime.GC()
			runtime.ReadMemStats(&m)
			return int64(m.HeapAlloc)
		}
		look(100)
		was := heap()
		look(10_000)
		if more := heap() - was; more > 500_000 {
			t.Errorf("%v: 30,000 contexts that were dropped keep %d bytes", l, more)
		}
		mustRelease(t, l)
	}
}

// Printing a context reads nothing that another goroutine writes: for the race
// detector.
func TestPrintingAContextBesideItsUse(t *testing.T) {
	t.Parallel()
	r := memoryRegistry(t)
	for range 50 {
		l := Cache("default", "k", WithRegistry(r))
		mustAcquire(t, l)
		parent, cancel := context.WithCancel(context.Background())
		ctx := l.Context(l.Context(parent))
		child, stop := context.WithCancel(ctx)
		var all sync.WaitGroup
		for _, verb := range []string{"%v", "%s", "%+v", "%#v"} {
			all.Go(func() {
				s := fmt.Sprintf(verb, ctx)
				if verb != "%#v" { // which reads what package context writes
					s += fmt.Sprintf(verb, child)
				}
				if strings.Contains(s, "0xc0") {
					t.Errorf("%s prints %s", verb, s)
				}
			})
		}
		all.Go(func() { _ = ctx.Done(); _ = child.Err() })
		all.Go(func() { _ = ctx.Err() })
		all.Go(func() { _ = l.Release(context.Background()) })
		all.Go(cancel)
		all.Wait()
		stop()
	}
}

// A lease that ends beside an Extend: for the race detector.
func TestExpiryBesideExtend(t *testing.T) {
	t.Parallel()
	r := memoryRegistry(t)
	for i := range 40 {
		l := Cache("default", fmt.Sprint(i), WithRegistry(r), WithExpire(6*time.Millisecond))
		if l.Acquire(context.Background()) != nil {
			continue // the machine was busy
		}
		ctx := l.Context(context.Background())
		var all sync.WaitGroup
		for range 3 {
			all.Go(func() {
				for ctx.Err() == nil {
					_ = l.Extend(context.Background(), 5*time.Millisecond)
					time.Sleep(3 * time.Millisecond)
				}
			})
		}
		all.Go(func() {
			for l.Active() {
				runtime.Gosched()
			}
		})
		all.Go(func() { time.Sleep(20 * time.Millisecond); _ = l.Release(context.Background()) })
		all.Wait()
	}
}

// Work that fn of Do starts and does not wait for may wait for the key; work that it
// waits for can't have it, and learns so at once.
func TestWorkThatDoStarts(t *testing.T) {
	for name, test := range map[string]struct {
		make   func(context.Context) context.Context
		waited bool
	}{
		"without cancel": {context.WithoutCancel, false},
		"detached":       {Detach, false},
		"detached with a value": {func(ctx context.Context) context.Context {
			return context.WithValue(Detach(ctx), contextKeyOfATest{}, 1)
		}, false},
		"detached with a timeout": {func(ctx context.Context) context.Context { return withTimeout(Detach(ctx)) }, false},
		"no cancel, a timeout":    {func(ctx context.Context) context.Context { return withTimeout(context.WithoutCancel(ctx)) }, false},
		"a timeout, no cancel":    {func(ctx context.Context) context.Context { return context.WithoutCancel(withTimeout(ctx)) }, false},
		"its own":                 {func(ctx context.Context) context.Context { return ctx }, true},
		"a timeout":               {withTimeout, true},
		"a value":                 {func(ctx context.Context) context.Context { return context.WithValue(ctx, contextKeyOfATest{}, 1) }, true},
	} {
		in(t, func(t *testing.T, b *bench) {
			l := b.cache("k", WithWait(time.Minute))
			work := make(chan error, 1)
			err := l.Do(t.Context(), func(ctx context.Context) error {
				ctx = test.make(ctx)
				go func() { work <- l.Do(ctx, func(context.Context) error { return nil }) }()
				synctest.Wait()
				if test.waited != (len(work) == 1) {
					t.Errorf("%s: waits %t", name, len(work) == 0)
				}
				time.Sleep(time.Second)
				return nil
			})
			if err != nil {
				t.Error(err)
			}
			if err := <-work; test.waited {
				wantIs(t, err, ErrLockActive)
			} else if err != nil {
				t.Errorf("%s: %v", name, err)
			}
		})
	}
}

func withTimeout(ctx context.Context) context.Context {
	ctx, cancel := context.WithTimeout(ctx, time.Hour)
	context.AfterFunc(ctx, cancel)
	return ctx
}

// A deadline's name is another one at each look, in real time.
func TestWorkWithoutCancelUnderADeadlineMayWait(t *testing.T) {
	t.Parallel()
	l := Cache("default", "k", WithWait(time.Minute), WithRegistry(memoryRegistry(t)))
	outer, free := context.WithTimeout(t.Context(), time.Minute)
	defer free()
	err := l.Do(outer, func(ctx context.Context) error {
		inside, free := context.WithTimeout(ctx, time.Minute)
		defer free()
		wantIs(t, l.Do(inside, func(context.Context) error { return nil }), ErrLockActive)
		apart, free := context.WithTimeout(context.WithoutCancel(inside), 20*time.Millisecond)
		defer free()
		wantIs(t, l.Do(apart, func(context.Context) error { return nil }), context.DeadlineExceeded)
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}
