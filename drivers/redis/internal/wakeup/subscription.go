// Package wakeup hears what the scripts publish for a store: that the turn of one of
// its waiters has come, that a lease was handed off to it, or that one was broken.
package wakeup

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/base64"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/concurrent-go/concurrent/drivers/redis/internal/rediskey"
	"github.com/concurrent-go/concurrent/drivers/redis/internal/reply"
	"github.com/concurrent-go/concurrent/internal/backoff"
)

const (
	// silence is how long the subscription may be silent before its server is
	// asked whether it is still there, and again until it counts as lost.
	silence = 3 * time.Second
	// resubscribe is the pause before a subscription that broke is made anew.
	resubscribe     = 20 * time.Millisecond
	resubscribeMost = time.Second
)

// A Subscription is a store's: one channel, on one connection, however many wait.
// It is safe for concurrent use.
//
// Messages are lost while the subscription is broken. When it is there again,
// everybody who waits looks again.
type Subscription struct {
	id      string
	broken  func(key, owner string)
	waiters waiters
	group   sync.WaitGroup
	doubt   chan struct{} // has room for one: the master may be another one now
	again   chan struct{} // has room for one: another try is not to be waited with

	mu      sync.Mutex
	sub     *redis.PubSub
	live    bool
	change  chan struct{} // closed when live changes
	failure error         // why it is not live; nil: not known yet
	closed  bool
	began   time.Time          // when the newest was begun
	allowed time.Duration      // for how long one may be in the making
	giveUp  context.CancelFunc // ends one that is in the making; nil: it was
}

// New returns a subscription, which Start makes live. broken is called when a lease
// of the store's was broken, with the lock's key and the lease's owner.
func New(broken func(key, owner string)) *Subscription {
	return &Subscription{
		id: newID(), broken: broken, change: make(chan struct{}), allowed: slowAttempt,
		doubt: make(chan struct{}, 1), again: make(chan struct{}, 1),
	}
}

// newID returns what tells a store's channel from others.
func newID() string {
	var raw [rediskey.ChannelLen * 3 / 4]byte
	_, _ = rand.Read(raw[:]) // never fails: see crypto/rand
	return base64.RawURLEncoding.EncodeToString(raw[:])
}

// ID returns what the scripts know the store by: rediskey.ChannelLen bytes.
func (s *Subscription) ID() string { return s.id }

// Channel returns the name of the channel.
func (s *Subscription) Channel() string { return rediskey.Channels + s.id }

// Enter makes a waiter, which is told of its messages until Exit.
func (s *Subscription) Enter() *Waiter { return s.waiters.enter(s.id) }

// Exit ends a waiter.
func (s *Subscription) Exit(w *Waiter) { s.waiters.exit(w) }

// Status reports whether messages are heard, with what is closed when that changes,
// and why not; nil: not known yet.
func (s *Subscription) Status() (live bool, change <-chan struct{}, failure error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.live, s.change, s.failure
}

// Start has messages received until ctx ends; it is called once. count, where one server
// has all locks, asks that how many listen to the channel, and fails at a replica.
func (s *Subscription) Start(ctx context.Context, client redis.UniversalClient, count func(context.Context) (int64, error)) {
	s.group.Go(func() { s.listen(ctx, client) })
	if count != nil {
		s.group.Go(func() { s.watch(ctx, count) })
	}
}

func (s *Subscription) listen(ctx context.Context, client redis.UniversalClient) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	<-timer.C
	pauses := backoff.Backoff{First: resubscribe, Most: resubscribeMost}
	for {
		now, cancel := s.attempt(ctx)
		sub := client.Subscribe(now, s.Channel())
		if s.use(sub) {
			if was := s.receive(now, sub); was {
				pauses.Reset()
			}
		}
		cancel()
		_ = sub.Close()
		timer.Reset(pauses.Next())
		select {
		case <-timer.C:
		case <-s.again:
		case <-ctx.Done():
			return
		}
	}
}

// Close ends what Start began, whose ctx ended before, and waits for it.
func (s *Subscription) Close() {
	s.mu.Lock()
	s.closed = true
	if s.sub != nil {
		_ = s.sub.Close()
	}
	s.mu.Unlock()
	s.group.Wait()
}

// use makes sub the one that Close closes, and reports whether it is to be used.
func (s *Subscription) use(sub *redis.PubSub) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sub = sub
	return !s.closed
}

// receive takes messages until the subscription breaks, and reports whether it
// ever was one.
func (s *Subscription) receive(ctx context.Context, sub *redis.PubSub) (was bool) {
	asked := false
	for {
		m, err := sub.ReceiveTimeout(ctx, silence)
		switch m := m.(type) {
		case *redis.Subscription:
			was = true
			s.set(true, nil)
		case *redis.Message:
			s.Deliver(m.Payload)
		}
		switch {
		case err == nil && ctx.Err() == nil:
			asked = false
		case err != nil && reply.IsTimeout(err) && was && !asked && sub.Ping(ctx) == nil:
			asked = true
		default:
			s.set(false, cmp.Or(err, ctx.Err()))
			return was
		}
	}
}

// set notes whether messages are heard. Whenever they are anew, all look again.
func (s *Subscription) set(live bool, failure error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.live, s.failure = live, failure
	close(s.change)
	s.change = make(chan struct{})
	if live {
		s.giveUp, s.allowed = nil, slowAttempt
		s.waiters.wakeAll()
		s.Doubt() // it may have been made where the master is no more
	}
}

// Deliver does what a message says. What is no message, and what is to a waiter that
// left, is not heard.
func (s *Subscription) Deliver(text string) {
	switch m := parse(text); m.kind {
	case yourTurn, handedOff:
		s.waiters.tell(m.number, m.token)
	case broken:
		s.broken(m.key, m.owner)
	}
}
