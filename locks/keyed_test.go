package locks

import (
	"context"
	"strconv"
	"testing"
	"time"
)

func TestKeyed(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		users := NewKeyed("default", func(id int) string { return "user:" + string(rune('0'+id)) }, WithRegistry(b.Registry))
		one, two := users.Lock(1), users.Lock(2)
		mustAcquire(t, one)
		mustAcquire(t, two)
		wantIs(t, users.Lock(1).Acquire(t.Context()), ErrLockActive)
		if one.Key() != "user:1" {
			t.Errorf("Key is %q", one.Key())
		}
		mustRelease(t, one)
		mustRelease(t, two)
		wantIs(t, NewKeyed[int]("default", nil).Lock(1).Acquire(t.Context()), ErrInvalidOption)
	})
}

// Options are checked once and hold for every key; Do and the generic Do work
// as on any lock.
func TestKeyedOptions(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		asked := 0
		key := func(id int) string { asked++; return "user:" + strconv.Itoa(id) }
		users := NewKeyed("default", key, WithRegistry(b.Registry), WithExpire(time.Minute), WithWait(time.Second))
		l := users.Lock(7)
		mustAcquire(t, l)
		if got := l.Remaining(); got != usableOf(time.Minute) {
			t.Errorf("remaining is %v", got)
		}
		began := time.Now()
		wantIs(t, users.Lock(7).Acquire(t.Context()), ErrLockActive)
		if waited := time.Since(began); waited != time.Second {
			t.Errorf("waited for %v", waited)
		}
		got, err := Do(t.Context(), users.Lock(8), func(context.Context) (string, error) { return "eight", nil })
		if got != "eight" || err != nil {
			t.Errorf("Do: %q, %v", got, err)
		}
		if asked != 3 {
			t.Errorf("the key function was called %d times for three locks", asked)
		}
		mustRelease(t, l)
		bad := NewKeyed("default", key, WithWait(-1))
		for range 2 {
			wantIs(t, bad.Lock(1).Acquire(t.Context()), ErrInvalidOption)
		}
		empty := NewKeyed("default", func(int) string { return "" }, WithRegistry(b.Registry))
		wantIs(t, empty.Lock(1).Acquire(t.Context()), ErrLockAcquire, ErrInvalidRequest)
		nothing := NewKeyed[int]("default", nil, WithRegistry(b.Registry))
		wantIs(t, nothing.Lock(1).Do(t.Context(), func(context.Context) error { return nil }), ErrInvalidOption)
	})
}
