package redis

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/concurrent-go/concurrent/driver"
	"github.com/concurrent-go/concurrent/integration/requests"
)

// A wait that its deadline ends before its request reached the server leaves the queue
// after that request, not before: else it stands there and nobody comes when it is woken.
func TestADeadlineLeavesNobodyInTheQueue(t *testing.T) {
	srv := start(t)
	link := srv.Link(t)
	s, other := open(t, link.URL), open(t, srv.url())
	r := requests.Ask("k", time.Minute)
	requests.Take(t, other, r)
	warm(t, s)
	requests.Soon(t, "the store listens", func() bool {
		return len(srv.admin().PubSubChannels(t.Context(), "lk:in:*").Val()) == 2
	})
	deliver := link.HoldNext("evalsha")
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := s.(driver.Waiter).Acquire(ctx, requests.Ask("k", time.Minute)); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("the wait ended with %v", err)
	}
	<-time.After(100 * time.Millisecond) // what is sent then may overtake it
	if !deliver() {
		t.Fatal("no request was held back")
	}
	<-time.After(100 * time.Millisecond)
	info, err := other.(driver.Inspector).Inspect(t.Context(), "k")
	check(t, err)
	if info.Waiters != 0 {
		t.Errorf("%d wait, who have left", info.Waiters)
	}
}
