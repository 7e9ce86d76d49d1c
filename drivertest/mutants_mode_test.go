package drivertest_test

import (
	"context"
	"errors"
	"time"

	"github.com/concurrent-go/concurrent/driver"
)

const (
	againOtherwise = "an owner that asks again in another mode is refused, and keeps its lease as it was"
	otherwise      = "Extend and Release in another mode are ErrNotHeld, and change nothing"
	bySize         = "a permit is granted while fewer than its own n are held, and only then, whatever n the others asked for"
)

// modeMutants mistake one mode, or one size of a semaphore, for another.
var modeMutants = map[string]mutation{
	"grants an owner whatever mode it asks for": {"mode", againOtherwise, func(m *mutant) {
		m.tryAcquire = func(ctx context.Context, r driver.Request) (driver.Grant, error) {
			g, err := m.Store.TryAcquire(ctx, r)
			if errors.Is(err, driver.ErrInvalidRequest) && r.Check() == nil {
				return driver.Grant{Token: 1, Sent: time.Now()}, nil
			}
			return g, err
		}
	}},
	"shortens the lease of who asks in another mode": {"mode", againOtherwise, func(m *mutant) {
		m.tryAcquire = func(ctx context.Context, r driver.Request) (driver.Grant, error) {
			g, err := m.Store.TryAcquire(ctx, r)
			if errors.Is(err, driver.ErrInvalidRequest) && r.Check() == nil {
				_, _ = inAnyMode(r, func(r driver.Request) (time.Time, error) { return m.Store.Extend(ctx, r) })
			}
			return g, err
		}
	}},
	"extends in any mode": {"mode", otherwise, func(m *mutant) {
		m.extend = func(ctx context.Context, r driver.Request) (time.Time, error) {
			return inAnyMode(r, func(r driver.Request) (time.Time, error) { return m.Store.Extend(ctx, r) })
		}
	}},
	"releases in any mode":                      {"mode", otherwise, func(m *mutant) { m.release = releaseInAnyMode(m) }},
	"counts each size apart":                    {"size", bySize, countApart},
	"has as many permits as all sizes together": {"size", "at most the largest n in use are held at once", countApart},
	"refuses other sizes": {"size", bySize, func(m *mutant) {
		m.tryAcquire = func(ctx context.Context, r driver.Request) (driver.Grant, error) {
			if first := firstMode(ctx, m, r.Key); first != r.Mode && first.Slots() > 0 {
				return driver.Grant{}, &driver.HeldError{}
			}
			return m.Store.TryAcquire(ctx, r)
		}
	}},
	"has as many permits as the first asked for": {"size", bySize, func(m *mutant) {
		m.tryAcquire = func(ctx context.Context, r driver.Request) (driver.Grant, error) {
			if first := firstMode(ctx, m, r.Key); first.Slots() > 0 && r.Mode.Slots() > 0 {
				r.Mode = first
			}
			return m.Store.TryAcquire(ctx, r)
		}
		m.release = releaseInAnyMode(m)
	}},
	"shows every permit as the first": {"inspect", "Inspect shows every permit with the n that it was asked for", func(m *mutant) {
		m.inspect = func(ctx context.Context, key string) (driver.Info, error) {
			info, err := m.Store.Inspect(ctx, key)
			for i := range info.Holders {
				info.Holders[i].Mode = info.Holders[0].Mode
			}
			return info, err
		}
	}},
}

// inAnyMode calls f with r in one mode after the other until it is the lease's.
func inAnyMode(r driver.Request, f func(driver.Request) (time.Time, error)) (time.Time, error) {
	at, err := f(r)
	for mode := driver.Shared; mode <= driver.Slots(7) && errors.Is(err, driver.ErrNotHeld); mode++ {
		r.Mode = mode
		at, err = f(r)
	}
	return at, err
}

func releaseInAnyMode(m *mutant) func(context.Context, driver.Request) error {
	return func(ctx context.Context, r driver.Request) error {
		_, err := inAnyMode(r, func(r driver.Request) (time.Time, error) { return time.Time{}, m.Store.Release(ctx, r) })
		return err
	}
}

// countApart makes a semaphore for each size of one.
func countApart(m *mutant) {
	of := func(r driver.Request) driver.Request {
		if r.Mode.Slots() > 0 {
			r.Key = r.Mode.String() + r.Key
		}
		return r
	}
	m.tryAcquire = func(ctx context.Context, r driver.Request) (driver.Grant, error) {
		return m.Store.TryAcquire(ctx, of(r))
	}
	m.release = func(ctx context.Context, r driver.Request) error { return m.Store.Release(ctx, of(r)) }
}

// firstMode is the mode of the key's oldest lease, Exclusive if it has none.
func firstMode(ctx context.Context, m *mutant, key string) driver.Mode {
	if info, _ := m.Store.Inspect(ctx, key); len(info.Holders) > 0 {
		return info.Holders[0].Mode
	}
	return driver.Exclusive
}
