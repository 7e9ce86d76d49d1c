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
	newSeat    = "+" // a process has taken the seat behind it
)

// listenTo is the command to listen to a channel, whose name has no quotes in it.
func listenTo(channel string) string { return `listen "` + channel + `"` }

// notified does what a message of a backend says: a lock in hexadecimal was
// released, by the process of the seat behind it, or what the sign before it says.
// Of its own releases this process knows.
func (b *backend) notified(pid uint32, text string) {
	if text == wantsBooks {
		b.scribe.rouse()
		return
	}
	text, seat, _ := strings.Cut(text, "/")
	if n, err := strconv.ParseInt(seat, 10, 32); err == nil {
		b.seating.heard(n + 1)
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
	case !b.isOurs(pid):
		e.called = true
		b.wake(e)
	}
}

func (b *backend) isOurs(pid uint32) bool {
	for i := range b.classes {
		if s := b.classes[i].live; s != nil && s.pid == pid {
			return true
		}
	}
	return false
}
