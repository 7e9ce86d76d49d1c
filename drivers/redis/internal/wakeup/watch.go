package wakeup

import (
	"context"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/concurrent-go/concurrent/drivers/redis/internal/reply"
	"github.com/concurrent-go/concurrent/internal/backoff"
)

const (
	// watchWaiting is how often the master is asked whether it counts the
	// subscription while somebody waits; else that is done each silence.
	watchWaiting = time.Second
	// watchApart is the shortest time between two questions.
	watchApart = 20 * time.Millisecond
	// watchWithin is how long an answer is waited for.
	watchWithin = time.Second
	// unsureMost is the longest pause before the question is asked again while the
	// answer is not yet yes. Of a server that has not counted misses subscriptions,
	// as behind a proxy that always leads them to another one, it is asked each
	// elsewhereAgain.
	unsureMost     = 250 * time.Millisecond
	misses         = 20
	elsewhereAgain = 10 * time.Second
	// slowAttempt is how long a subscription may be in the making while the master
	// answers, before it is begun anew: its address may be the old master's. The next
	// may take twice as long.
	slowAttempt = 500 * time.Millisecond
)

// Doubt says that the master may be another one now: a server said that it is a
// replica, a request failed, or a connection was made. It returns at once.
func (s *Subscription) Doubt() {
	select {
	case s.doubt <- struct{}{}:
	default: // it is to be asked already
	}
}

// What watch finds out about the subscription.
type verdict int

const (
	unknown   verdict = iota // the master did not answer, or nobody listens yet
	here                     // the master counts it
	elsewhere                // the master does not: it was begun anew
	beyond                   // the master does not tell such things
)

// watch sees to it that the subscription is at the server that has the locks, until ctx
// ends. A subscription stays on a master that became a replica, for as long as its
// connection lives, and nothing on that connection shows it. So the server that carries
// out the scripts is asked how many listen to the channel: count returns that, and an
// error of a replica.
func (s *Subscription) watch(ctx context.Context, count func(context.Context) (int64, error)) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	pauses := backoff.Backoff{First: watchApart, Most: unsureMost}
	doubt, missed := s.doubt, 0
	for {
		select {
		case <-timer.C:
		case <-doubt:
			timer.Reset(watchApart)
			select {
			case <-timer.C:
			case <-ctx.Done():
				return
			}
		case <-ctx.Done():
			return
		}
		select {
		case <-s.doubt: // before what is asked now
		default:
		}
		pause := pauses.Next()
		switch s.verify(ctx, count) {
		case here, beyond:
			pauses.Reset()
			doubt, missed, pause = s.doubt, 0, s.calm()
		case elsewhere:
			if missed++; missed > misses {
				pause = elsewhereAgain
			}
			doubt = nil
		case unknown:
			doubt = nil
		}
		timer.Reset(pause)
	}
}

// calm is how long nothing is asked without a doubt.
func (s *Subscription) calm() time.Duration {
	if s.waiters.any() {
		return watchWaiting
	}
	return silence
}

// verify asks the master once, and has a subscription that it does not count begun anew.
func (s *Subscription) verify(ctx context.Context, count func(context.Context) (int64, error)) verdict {
	sub, live := s.current()
	n, err := ask(ctx, count)
	switch {
	case err != nil && reply.IsAnswer(err) && reply.FateOf(err) == reply.Refused:
		return beyond
	case err != nil:
		return unknown
	case !live:
		s.hurry()
		return unknown
	case n > 0:
		return here
	}
	s.renew(sub)
	return elsewhere
}

// ask waits for an answer no longer than watchWithin, also where the client does.
func ask(ctx context.Context, count func(context.Context) (int64, error)) (int64, error) {
	ctx, cancel := context.WithTimeout(ctx, watchWithin)
	defer cancel()
	type answer struct {
		n   int64
		err error
	}
	answered := make(chan answer, 1)
	go func() {
		n, err := count(ctx)
		answered <- answer{n, err}
	}()
	select {
	case a := <-answered:
		return a.n, a.err
	case <-ctx.Done():
		return 0, ctx.Err()
	}
}

// hurry has a subscription made at once that is waited with, or that takes too long.
func (s *Subscription) hurry() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.live {
		return
	}
	if s.giveUp != nil && time.Since(s.began) > s.allowed {
		s.giveUp()
		s.giveUp, s.allowed = nil, 2*s.allowed
	}
	select {
	case s.again <- struct{}{}:
	default:
	}
}

// attempt returns the context of a subscription that is made now.
func (s *Subscription) attempt(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.began, s.giveUp = time.Now(), cancel
	return ctx, cancel
}

// current returns the subscription that is there, or that is in the making.
func (s *Subscription) current() (sub *redis.PubSub, live bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.sub, s.live
}

// renew ends sub, if it is the one still, so that another is made at once.
func (s *Subscription) renew(sub *redis.PubSub) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.sub == sub && sub != nil {
		_ = sub.Close() // its receiver finds it closed
	}
}
