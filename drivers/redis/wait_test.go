package redis

import (
	"encoding/binary"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/concurrent-go/concurrent/driver"
	"github.com/concurrent-go/concurrent/drivers/redis/internal/reply"
)

// A waiter believes no more of what it was handed than that this was later than the
// server looked at its last request.
func TestWhatWasHandedOverIsBelievedOfOneWhoAskedLately(t *testing.T) {
	const last, next = 1_790_000_000_000_000, 1_790_000_000_000_001
	now := time.Now()
	for name, c := range map[string]struct {
		asked asked
		token uint64
		taken bool
	}{
		"asked just now":                    {asked{last: last, answer: answer{sent: now}}, next, true},
		"asked a while ago":                 {asked{last: last, answer: answer{sent: now.Add(-inTime)}}, next, false},
		"handed before it asked":            {asked{last: last, answer: answer{sent: now}}, last, false},
		"handed long before":                {asked{last: next, answer: answer{sent: now}}, last, false},
		"the last request was not answered": {asked{answer: answer{sent: now}}, next, false},
		"handed nothing":                    {asked{last: last, answer: answer{sent: now}}, 0, false},
	} {
		t.Run(name, func(t *testing.T) {
			s := &Store{closed: make(chan struct{})}
			s.inbox.init()
			w := wait{store: s, waiter: s.inbox.enter(), request: &driver.Request{Key: "k", Owner: "o", Lease: time.Minute}}
			if c.token != 0 {
				s.inbox.deliver(message(w.number, c.token))
				<-w.wake
			}
			g, ok := w.take(&c.asked)
			if ok != c.taken {
				t.Fatalf("taken: %v, want %v", ok, c.taken)
			}
			if want := (driver.Grant{Token: reply.Token(c.token), Spare: reply.Spare, Sent: c.asked.sent, Lease: handed}); c.taken && g != want {
				t.Errorf("granted %+v, want %+v", g, want)
			}
			if n := len(s.held.all()); c.taken != (n == 1) {
				t.Errorf("Close would release %d leases", n)
			}
		})
	}
}

// message is what the scripts write.
func message(number uint32, token uint64) string {
	text := binary.BigEndian.AppendUint32([]byte("h"), number)
	return string(binary.BigEndian.AppendUint64(text, math.Float64bits(float64(token))))
}

func TestMessagesToNobodyAndBrokenOnesAreNotHeard(t *testing.T) {
	var in inbox
	in.init()
	w := in.enter()
	for _, text := range []string{"", "h", "w", message(w.number+1, 7), message(w.number, 7)[:12], message(w.number, 7) + "x", "b", strings.Repeat("b", 3)} {
		in.deliver(text)
	}
	if len(w.wake) != 0 || w.handed.Load() != 0 {
		t.Errorf("a waiter was told of token %d by a message that was not to it", w.handed.Load())
	}
}

// A lease that is shorter than two that are handed over is not handed over itself: a
// frozen process would keep the key longer than it asked to.
func TestOnlyLongExclusiveLeasesAreHandedOver(t *testing.T) {
	for _, c := range []struct {
		mode  driver.Mode
		lease time.Duration
		want  any
	}{
		{driver.Exclusive, 2 * handed, "1"},
		{driver.Exclusive, driver.Forever, "1"},
		{driver.Exclusive, 2*handed - 1, ""},
		{driver.Shared, time.Minute, ""},
		{driver.Slots(2), time.Minute, ""},
	} {
		s := new(Store)
		terms := s.termsOf(&driver.Request{Mode: c.mode, Lease: c.lease})
		if got := terms.acquire(true)[5]; got != c.want {
			t.Errorf("%v for %v: %q, want %q", c.mode, c.lease, got, c.want)
		}
		if got := terms.acquire(false)[5]; got != "" {
			t.Errorf("%v for %v, and who asks takes nothing: %q", c.mode, c.lease, got)
		}
	}
}
