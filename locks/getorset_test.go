package locks

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

func TestGetOrSet(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		cache := make(chan string, 1)
		computed := 0
		get := func(context.Context) (string, bool, error) {
			select {
			case v := <-cache:
				cache <- v
				return v, true, nil
			default:
				return "", false, nil
			}
		}
		compute := func(context.Context) (string, error) {
			computed++ // the lock guards it
			time.Sleep(time.Second)
			cache <- "value"
			return "value", nil
		}
		var all []<-chan error
		for range 10 {
			all = append(all, meanwhile(func() error {
				got, err := GetOrSet(t.Context(), b.cache("k"), get, compute)
				if got != "value" {
					t.Errorf("got %q", got)
				}
				return err
			}))
		}
		for _, done := range all {
			if err := <-done; err != nil {
				t.Error(err)
			}
		}
		if computed != 1 {
			t.Errorf("computed %d times", computed)
		}
		synctest.Wait()
	})
}

func TestGetOrSetErrors(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		l := b.cache("k")
		nothing := func(context.Context) (int, bool, error) { return 0, false, nil }
		broken := func(context.Context) (int, bool, error) { return 0, false, errOfFn }
		one := func(context.Context) (int, error) { return 1, nil }
		_, err := GetOrSet(t.Context(), l, broken, one)
		wantIs(t, err, errOfFn)
		_, err = GetOrSet(t.Context(), l, nothing, func(context.Context) (int, error) { return 0, errOfFn })
		wantIs(t, err, errOfFn)
		_, err = GetOrSet(t.Context(), l, nil, one)
		wantIs(t, err, ErrInvalidOption)
		_, err = GetOrSet(t.Context(), nil, nothing, one)
		wantIs(t, err, ErrInvalidOption)
		_, err = GetOrSet(t.Context(), l, nothing, nil)
		wantIs(t, err, ErrInvalidOption)
		second := 0
		_, err = GetOrSet(t.Context(), l, func(context.Context) (int, bool, error) {
			if second++; second == 2 {
				return 0, false, errOfFn
			}
			return 0, false, nil
		}, one)
		wantIs(t, err, errOfFn)
	})
}

// What get finds at once costs no lock, and what it finds under the lock is not
// computed.
func TestGetOrSetLooksTwice(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		compute := func(context.Context) (int, error) {
			t.Error("computed what was there")
			return 0, nil
		}
		l := b.cache("k")
		got, err := GetOrSet(t.Context(), l, func(context.Context) (int, bool, error) { return 1, true, nil }, compute)
		if got != 1 || err != nil || b.store.count("try")+b.store.count("acquire") != 0 {
			t.Errorf("found at once: %d, %v, after %d questions", got, err, b.store.count("try")+b.store.count("acquire"))
		}
		looks := 0
		got, err = GetOrSet(t.Context(), l, func(ctx context.Context) (int, bool, error) {
			looks++
			if _, locked := Token(ctx); locked != (looks == 2) {
				t.Errorf("look %d under the lock: %t", looks, locked)
			}
			return looks, looks == 2, nil
		}, compute)
		if got != 2 || err != nil || looks != 2 {
			t.Errorf("found under the lock: %d, %v, after %d looks", got, err, looks)
		}
		if !b.free(t, "k") {
			t.Error("held after all")
		}
	})
}

// GetOrSet waits as long as its context, whatever WithWait and WithRaise say.
func TestGetOrSetWaitsForItsContext(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		holder := b.cache("k")
		mustAcquire(t, holder)
		nothing := func(context.Context) (int, bool, error) { return 0, false, nil }
		one := func(ctx context.Context) (int, error) { return 1, ctx.Err() }
		for name, l := range map[string]*Lock{
			"no option": b.cache("k"), "a short wait": b.cache("k", WithWait(time.Second)), "quiet": b.cache("k", WithRaise(false)),
		} {
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			began := time.Now()
			got, err := GetOrSet(ctx, l, nothing, one)
			wantIs(t, err, ErrLockActive, context.DeadlineExceeded)
			if waited := time.Since(began); got != 0 || waited != time.Minute {
				t.Errorf("%s: %d after %v", name, got, waited)
			}
			cancel()
		}
		time.AfterFunc(time.Hour, func() { mustRelease(t, holder) })
		if got, err := GetOrSet(t.Context(), b.cache("k", WithWait(time.Second)), nothing, one); got != 1 || err != nil {
			t.Errorf("after an hour: %d, %v", got, err)
		}
	})
}

// compute's context ends with the lock, and its value comes back beside the
// error of the release.
func TestGetOrSetThatOutlivesItsLock(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		got, err := GetOrSet(t.Context(), b.cache("k", WithExpire(time.Second)),
			func(context.Context) (int, bool, error) { return 0, false, nil },
			func(ctx context.Context) (int, error) {
				<-ctx.Done()
				return 1, nil
			})
		if got != 1 {
			t.Errorf("got %d", got)
		}
		wantIs(t, err, ErrLockLost)
	})
}
