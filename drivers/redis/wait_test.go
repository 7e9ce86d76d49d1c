package redis

import (
	"encoding/binary"
	"math"
	"testing"
	"time"

	"github.com/concurrent-go/concurrent/driver"
	"github.com/concurrent-go/concurrent/drivers/redis/internal/reply"
)

// A waiter believes no more of what was handed off to it than that this was later than the
// server looked at its last request.
func TestHandOffIsTakenAfterARecentRequestOnly(t *testing.T) {
	const last, next = 1_790_000_000_000_000, 1_790_000_000_000_001
	now := time.Now()
	for name, c := range map[string]struct {
		asked asked
		token uint64
		taken bool
	}{
		"asked just now":                    {asked{last: last, callResult: callResult{sent: now}}, next, true},
		"asked a while ago":                 {asked{last: last, callResult: callResult{sent: now.Add(-inTime)}}, next, false},
		"handed off before it asked":        {asked{last: last, callResult: callResult{sent: now}}, last, false},
		"handed off long before":            {asked{last: next, callResult: callResult{sent: now}}, last, false},
		"the last request was not answered": {asked{callResult: callResult{sent: now}}, next, false},
		"handed off nothing":                {asked{last: last, callResult: callResult{sent: now}}, 0, false},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStore()
			defer s.endLife()
			w := wait{store: s, waiter: s.wakeup.Enter(), request: &driver.Request{Key: "k", Owner: "o", Lease: time.Minute}}
			if c.token != 0 {
				s.wakeup.Deliver(message(w.waiter.Name, c.token))
				<-w.waiter.Wake
			}
			g, ok := w.takeHandOff(&c.asked)
			if ok != c.taken {
				t.Fatalf("taken: %v, want %v", ok, c.taken)
			}
			if want := (driver.Grant{Token: reply.Token(c.token), Spare: reply.Spare, Sent: c.asked.sent, Lease: handedOff}); c.taken && g != want {
				t.Errorf("granted %+v, want %+v", g, want)
			}
			if n := len(s.grants.all()); c.taken != (n == 1) {
				t.Errorf("Close would release %d leases", n)
			}
		})
	}
}

// message is what the scripts write to a waiter.
func message(name string, token uint64) string {
	text := "h" + name[len(name)-4:]
	return string(binary.BigEndian.AppendUint64([]byte(text), math.Float64bits(float64(token))))
}

// A lease that is shorter than two that are handed off is not handed off itself: a
// frozen process would keep the key longer than it asked to.
func TestOnlyLongExclusiveLeasesAreHandedOver(t *testing.T) {
	for _, c := range []struct {
		mode  driver.Mode
		lease time.Duration
		want  any
	}{
		{driver.Exclusive, 2 * handedOff, "1"},
		{driver.Exclusive, driver.Forever, "1"},
		{driver.Exclusive, 2*handedOff - 1, ""},
		{driver.Shared, time.Minute, ""},
		{driver.Slots(2), time.Minute, ""},
	} {
		s := newStore()
		defer s.endLife()
		terms := s.termsOf(&driver.Request{Mode: c.mode, Lease: c.lease})
		if got := terms.acquire(true)[5]; got != c.want {
			t.Errorf("%v for %v: %q, want %q", c.mode, c.lease, got, c.want)
		}
		if got := terms.acquire(false)[5]; got != "" {
			t.Errorf("%v for %v, and who asks takes nothing: %q", c.mode, c.lease, got)
		}
	}
}
