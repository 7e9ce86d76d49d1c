package redis

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"math"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/concurrent-go/concurrent/driver"
	"github.com/concurrent-go/concurrent/drivers/redis/internal/rediskey"
	"github.com/concurrent-go/concurrent/drivers/redis/internal/reply"
	"github.com/concurrent-go/concurrent/internal/losses"
)

const (
	// silence is how long the subscription may be silent before its server is
	// asked whether it is still there, and again until it counts as lost.
	silence = 3 * time.Second
	// resubscribe is the pause before a subscription that broke is made anew.
	resubscribe     = 20 * time.Millisecond
	resubscribeMost = time.Second
)

// An inbox is where a store hears that one of its waiters' turn has come, or
// that a lease of its was broken: one channel, on one connection.
//
// Messages are lost while the subscription is broken. When it is there again,
// everybody who waits looks again.
type inbox struct {
	id      string
	losses  *losses.Listeners
	broke   func(key, owner string)
	mu      sync.Mutex
	waiters map[uint32]*waiter
	last    uint32
	sub     *redis.PubSub
	live    bool
	change  chan struct{} // closed when live changes
	failure error         // why it is not live; nil: not known yet
	closed  bool
	over    chan struct{} // closed when the inbox no longer listens
}

// A waiter is one Acquire.
type waiter struct {
	number uint32
	name   string        // in the queue
	wake   chan struct{} // has room for one: it is to look again
	handed atomic.Uint64 // the token of the lease that it was handed last; 0: none
}

func (in *inbox) init() {
	in.id, in.waiters = newInboxID(), make(map[uint32]*waiter)
	in.change, in.over = make(chan struct{}), make(chan struct{})
}

func newInboxID() string {
	var raw [rediskey.ChannelLen * 3 / 4]byte
	_, _ = rand.Read(raw[:]) // never fails: see crypto/rand
	return base64.RawURLEncoding.EncodeToString(raw[:])
}

func (in *inbox) channel() string { return rediskey.Channels + in.id }

// enter makes a waiter.
func (in *inbox) enter() *waiter {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.last++
	for in.waiters[in.last] != nil {
		in.last++ // it went round
	}
	w := &waiter{number: in.last, wake: make(chan struct{}, 1)}
	w.name = string(binary.BigEndian.AppendUint32([]byte(in.id), w.number))
	in.waiters[w.number] = w
	return w
}

func (in *inbox) exit(w *waiter) {
	in.mu.Lock()
	delete(in.waiters, w.number)
	in.mu.Unlock()
}

func (w *waiter) rouse() {
	select {
	case w.wake <- struct{}{}:
	default: // it is to look again already
	}
}

// status reports whether the inbox listens, with what is closed when that
// changes.
func (in *inbox) status() (live bool, change <-chan struct{}, failure error) {
	in.mu.Lock()
	defer in.mu.Unlock()
	return in.live, in.change, in.failure
}

// listen receives messages until the inbox is closed.
func (in *inbox) listen(ctx context.Context, client redis.UniversalClient) {
	defer close(in.over)
	timer := time.NewTimer(0)
	defer timer.Stop()
	<-timer.C
	for pause := resubscribe; ; pause = min(2*pause, resubscribeMost) {
		sub := client.Subscribe(ctx, in.channel())
		if in.use(sub) {
			if was := in.receive(ctx, sub); was {
				pause = resubscribe
			}
		}
		_ = sub.Close()
		timer.Reset(pause)
		select {
		case <-timer.C:
		case <-ctx.Done():
			return
		}
	}
}

// use makes sub the one that close closes, and reports whether it is to be used.
func (in *inbox) use(sub *redis.PubSub) bool {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.sub = sub
	return !in.closed
}

// receive takes messages until the subscription breaks, and reports whether it
// ever was one.
func (in *inbox) receive(ctx context.Context, sub *redis.PubSub) (was bool) {
	asked := false
	for {
		m, err := sub.ReceiveTimeout(ctx, silence)
		switch m := m.(type) {
		case *redis.Subscription:
			was = true
			in.set(true, nil)
		case *redis.Message:
			in.deliver(m.Payload)
		}
		switch {
		case err == nil:
			asked = false
		case reply.IsTimeout(err) && was && !asked && sub.Ping(ctx) == nil:
			asked = true
		default:
			in.set(false, err)
			return was
		}
	}
}

// set notes whether the inbox listens. Whenever it does anew, all look again.
func (in *inbox) set(live bool, failure error) {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.live, in.failure = live, failure
	close(in.change)
	in.change = make(chan struct{})
	if live {
		for _, w := range in.waiters {
			w.rouse()
		}
	}
}

var errBroken = errors.New("redis: the lock was broken")

// deliver does what a message says: w and a waiter's number, or h, the number and
// a token, or b, the length of an owner's name, the name, and a Redis key.
func (in *inbox) deliver(text string) {
	switch {
	case len(text) == 5 && text[0] == 'w':
		in.call(text[1:], 0)
	case len(text) == 13 && text[0] == 'h':
		token := math.Float64frombits(binary.BigEndian.Uint64([]byte(text[5:])))
		in.call(text[1:5], uint64(token))
	case len(text) > 2 && text[0] == 'b':
		owner, name := reply.CutSized(text[1:])
		if key, ok := rediskey.Lock(name); ok {
			in.broke(key, owner)
			in.losses.Tell(driver.Loss{Key: key, Owner: owner, Err: errBroken})
		}
	}
}

// call tells a waiter that its turn has come, with the token of the lease that it
// was handed, if it was.
func (in *inbox) call(number string, token uint64) {
	in.mu.Lock()
	w := in.waiters[binary.BigEndian.Uint32([]byte(number))]
	in.mu.Unlock()
	if w == nil {
		return // it left, and what it was handed is given back
	}
	if token != 0 {
		w.handed.Store(token)
	}
	w.rouse()
}

// close ends listen, whose ctx ended before.
func (in *inbox) close() {
	in.mu.Lock()
	in.closed = true
	if in.sub != nil {
		_ = in.sub.Close()
	}
	in.mu.Unlock()
	<-in.over
}
