package postgres

import (
	"context"
	"strconv"
	"strings"
	"time"
)

// listen keeps a session that listens. While there is none, whoever waits looks
// by itself; when there is one again, all do.
func (b *backend) listen(s *session) {
	backoff := firstBackoff
	timer := time.NewTimer(0)
	defer timer.Stop()
	<-timer.C
	for {
		if s != nil {
			<-s.done
			backoff = firstBackoff
		}
		timer.Reset(backoff)
		select {
		case <-timer.C:
		case <-b.life.Done():
			return
		}
		backoff = min(2*backoff, mostBackoff)
		s = b.listenAgain()
	}
}

func (b *backend) listenAgain() *session {
	ctx, cancel := context.WithTimeout(b.life, dialTimeout)
	defer cancel()
	s, _, err := b.dial(ctx, -1)
	if err != nil {
		return nil // who waits looks without it, and is told by those sessions
	}
	b.mu.Lock()
	defer b.unlock()
	if b.closed {
		b.background.Go(s.close)
		return s
	}
	b.ears = s
	for _, e := range b.entries {
		b.wake(e)
	}
	return s
}

// What a message says besides the lock that it is about.
const (
	wantsBooks = "?" // somebody inspects: write down what is held
	wantsBreak = "!" // the lock is to be given back
)

// notified does what a message says: a lock in hexadecimal, that was released,
// or with one of the signs before it.
func (b *backend) notified(text string) {
	if text == wantsBooks {
		b.scribe.rouse()
		return
	}
	name, broken := strings.CutPrefix(text, wantsBreak)
	number, err := strconv.ParseUint(name, 16, 64)
	if err != nil {
		return // somebody else's
	}
	b.mu.Lock()
	defer b.unlock()
	e := b.entries[int64(number)]
	switch {
	case e == nil:
	case broken:
		b.breakHere(e)
	default:
		b.wake(e)
	}
}
