package postgres

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/concurrent-go/concurrent/driver"
	"github.com/concurrent-go/concurrent/integration/requests"
)

// advisory counts the advisory locks that there are.
func advisory(t *testing.T, srv *server) func() int64 {
	admin := srv.admin()
	return func() int64 {
		return number(t, admin, "select count(*) from pg_locks where locktype = 'advisory'")
	}
}

func TestPermitsOfDifferentNumbers(t *testing.T) {
	srv := start(t)
	for name, second := range map[string]func() driver.Store{
		"of one process":  func() driver.Store { return open(t, srv.url()) },
		"of two":          func() driver.Store { return openApart(t, srv.url()) },
		"of two sessions": func() driver.Store { return shorter{open(t, srv.url())} },
	} {
		t.Run(name, func(t *testing.T) {
			one, two := open(t, srv.url()), second()
			locks := advisory(t, srv)
			warmed := requests.Ask("warm", time.Minute)
			requests.Take(t, one, warmed)
			requests.GiveBack(t, one, warmed)
			requests.Take(t, two, warmed)
			requests.GiveBack(t, two, warmed)
			before := locks()
			requests.Sizes(t, one, two)
			// One is held exclusively then.
			requests.Soon(t, "nothing is left of permits", func() bool { return locks() <= before+1 })
		})
	}
}

// shorter asks for shorter leases, which are on a session of their own.
type shorter struct{ driver.Store }

func (s shorter) TryAcquire(ctx context.Context, r driver.Request) (driver.Grant, error) {
	r.Lease = 20 * time.Second
	return s.Store.TryAcquire(ctx, r)
}

func (s shorter) Acquire(ctx context.Context, r driver.Request) (driver.Grant, error) {
	r.Lease = 20 * time.Second
	return s.Store.(driver.Waiter).Acquire(ctx, r)
}

func TestPermitsOfDifferentNumbersAtOnce(t *testing.T) {
	srv := start(t)
	one := open(t, srv.url())
	requests.SizesAtOnce(t, 300, one, openApart(t, srv.url()), openApart(t, srv.url()), shorter{one})
}

// A session that has permits of one number counts those that another took since with a
// larger one, wherever they stand.
func TestPermitsOfALargerNumberThatCameLaterCount(t *testing.T) {
	srv := start(t)
	one, two := open(t, srv.url()), openApart(t, srv.url())
	for i := range 8 {
		permit := func(n int) driver.Request {
			return requests.In(driver.Slots(n), requests.Ask(fmt.Sprint("k", i), time.Minute))
		}
		first := permit(3)
		requests.Take(t, one, first)
		requests.Take(t, two, permit(50))
		requests.Take(t, two, permit(50))
		requests.Refused(t, one, permit(3))
		requests.GiveBack(t, one, first)
		requests.Take(t, one, permit(3))
	}
}

// What is kept by nobody counts too, whichever permit it was.
func TestKeptPermitsOfDifferentNumbersCount(t *testing.T) {
	srv := start(t)
	one, two := open(t, srv.url()), openApart(t, srv.url())
	permit := func(n int) driver.Request {
		return requests.In(driver.Slots(n), requests.Ask("k", time.Minute))
	}
	for range 3 {
		r := permit(9)
		requests.Take(t, one, r)
		if err := one.(driver.Keeper).Keep(t.Context(), r); err != nil {
			t.Fatal(err)
		}
	}
	requests.Refused(t, one, permit(3))
	requests.Refused(t, two, permit(1))
	r := permit(4)
	requests.Take(t, two, r)
	requests.Refused(t, one, permit(4))
	requests.Take(t, one, permit(5))
	requests.Refused(t, two, permit(5))
	requests.GiveBack(t, two, r)
	requests.Refused(t, two, permit(4))
	requests.Take(t, two, permit(5))
}
