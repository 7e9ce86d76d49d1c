package locks

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/concurrent-go/concurrent"
	"github.com/concurrent-go/concurrent/driver"
)

// coarse is a store whose shortest lease is ten seconds.
type coarse struct{ *scripted }

const coarseLease = 10 * time.Second

func (s coarse) Features() driver.Features {
	f := s.scripted.Features()
	f.MinLease = coarseLease
	return f
}

func (s coarse) TryAcquire(ctx context.Context, r driver.Request) (driver.Grant, error) {
	if r.Lease < coarseLease {
		return driver.Grant{}, driver.ErrInvalidRequest
	}
	return s.scripted.TryAcquire(ctx, r)
}

func (s coarse) Acquire(ctx context.Context, r driver.Request) (driver.Grant, error) {
	if r.Lease < coarseLease {
		return driver.Grant{}, driver.ErrInvalidRequest
	}
	return s.scripted.Acquire(ctx, r)
}

func (s coarse) Extend(ctx context.Context, r driver.Request) (time.Time, error) {
	if r.Lease < coarseLease {
		return time.Now(), driver.ErrInvalidRequest
	}
	return s.scripted.Extend(ctx, r)
}

func (s coarse) ExtendAll(ctx context.Context, rs []driver.Request) (time.Time, []error) {
	sent, errs := time.Now(), make([]error, len(rs))
	for i, r := range rs {
		_, errs[i] = s.Extend(ctx, r)
	}
	return sent, errs
}

func coarseOf(t *testing.T, f func(t *testing.T, b *bench)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		st := newScripted()
		f(t, benchOf(t, coarse{st}, st))
	})
}

var shortLeases = []time.Duration{5 * time.Millisecond, 100 * time.Millisecond, time.Second, coarseLease - 1}

// A lease that is shorter than the store's shortest ends by itself, on time, and the
// key is free then.
func TestLeaseBelowTheStoresShortestEndsOnTime(t *testing.T) {
	for _, lease := range shortLeases {
		for _, wait := range []time.Duration{0, time.Minute} {
			coarseOf(t, func(t *testing.T, b *bench) {
				l := b.cache("k", WithExpire(lease), WithWait(wait))
				began := time.Now()
				mustAcquire(t, l)
				ctx := l.Context(t.Context())
				<-ctx.Done()
				if took := time.Since(began); took > lease || took < lease-lease/100-2*time.Millisecond {
					t.Errorf("a lease of %v ended after %v", lease, took)
				}
				wantIs(t, context.Cause(ctx), ErrLockExpired)
				next := b.cache("k", WithWait(time.Minute))
				mustAcquire(t, next)
				if took := time.Since(began); took > lease+50*time.Millisecond {
					t.Errorf("the key of a lease of %v is free after %v", lease, took)
				}
				mustRelease(t, next)
				wantIs(t, l.Release(t.Context()), ErrLockExpired)
			})
		}
	}
}

// One that is renewed lasts, and a renewal that fails ends it on time.
func TestLeaseBelowTheStoresShortestIsRenewed(t *testing.T) {
	for _, lease := range shortLeases[1:] {
		coarseOf(t, func(t *testing.T, b *bench) {
			l := b.cache("k", WithKeepAlive(lease))
			mustAcquire(t, l)
			ctx := l.Context(t.Context())
			time.Sleep(20 * lease)
			if !l.Active() || l.Remaining() > lease {
				t.Errorf("active %t, %v remain of %v", l.Active(), l.Remaining(), lease)
			}
			b.store.script(func(s *scripted) { s.extend = hangs })
			began := time.Now()
			<-ctx.Done()
			if took := time.Since(began); took > lease {
				t.Errorf("a lease of %v ended %v after its last renewal", lease, took)
			}
			wantIs(t, l.Release(t.Context()), ErrLockLost)
			time.Sleep(time.Second)
			if !b.free(t, "k") {
				t.Errorf("a lease of %v that was lost and released is held", lease)
			}
		})
	}
}

// Extend makes it longer and shorter.
func TestExtendBelowTheStoresShortest(t *testing.T) {
	for _, d := range append(shortLeases, time.Minute) {
		coarseOf(t, func(t *testing.T, b *bench) {
			l := b.cache("k", WithExpire(30*time.Second))
			mustAcquire(t, l)
			time.Sleep(time.Second)
			if err := l.Extend(t.Context(), d); err != nil {
				t.Fatal(err)
			}
			if got := l.Remaining(); got != usableOf(d) {
				t.Errorf("%v remain after Extend(%v)", got, d)
			}
			time.Sleep(d)
			synctest.Wait()
			time.Sleep(50 * time.Millisecond)
			if !b.free(t, "k") {
				t.Errorf("held after the end of Extend(%v)", d)
			}
			wantIs(t, l.Release(t.Context()), ErrLockExpired)
		})
	}
}

// A key that is kept is kept for as long as was asked, not as the store's shortest
// lease.
func TestKeepBelowTheStoresShortest(t *testing.T) {
	coarseOf(t, func(t *testing.T, b *bench) {
		began := time.Now()
		l := b.cache("k", WithExpire(time.Second), WithKeep())
		mustAcquire(t, l)
		mustRelease(t, l)
		next := b.cache("k", WithWait(time.Minute))
		mustAcquire(t, next)
		if took := time.Since(began); took < 900*time.Millisecond || took > 1100*time.Millisecond {
			t.Errorf("kept for %v, not a second", took)
		}
		mustRelease(t, next)
	})
}

// The alias's lease may be as short.
func TestAliasesLeaseBelowTheStoresShortest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := concurrent.NewRegistry()
		if err := r.Configure(concurrent.Aliases{"default": {Store: coarse{newScripted()}, Lease: time.Second}}); err != nil {
			t.Fatal(err)
		}
		l := Cache("default", "k", WithRegistry(r))
		mustAcquire(t, l)
		if left := l.Remaining(); left > time.Second {
			t.Errorf("%v remain", left)
		}
		time.Sleep(time.Minute)
		if !l.Active() {
			t.Error("not renewed")
		}
		mustRelease(t, l)
		if err := r.Shutdown(t.Context()); err != nil {
			t.Error(err)
		}
	})
}
