package postgres

import (
	"context"
	"errors"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/concurrent-go/concurrent/driver"
)

// sent returns what a session has sent, and has it be answered.
func sent(t *testing.T, s *session) []*group {
	t.Helper()
	for over := time.Now().Add(5 * time.Second); time.Now().Before(over); runtime.Gosched() {
		s.mu.Lock()
		batch := s.batch
		s.batch = nil
		s.mu.Unlock()
		if batch != nil {
			return batch
		}
	}
	t.Fatal("nothing was sent")
	return nil
}

// stander returns a store whose session stands for a key, and what ends the
// wait for it.
func stander(t *testing.T) (store *Store, s *session, leave func() error) {
	t.Helper()
	store, s = deaf(t)
	b := store.backend
	s.class = standing
	b.classes[standing].live = s
	b.heat = heat{lock: store.number("k"), votes: hot}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		_, err := store.Acquire(ctx, driver.Request{Key: "k", Owner: "o", Lease: 30 * time.Second})
		ended <- err
	}()
	return store, s, func() error { cancel(); return <-ended }
}

// The server may grant a lock in the moment in which it stops to wait for it, and
// says only that it stopped.
func TestWhatWasGrantedAsTheTimeOfAStandWasOverIsGivenBack(t *testing.T) {
	for code, held := range map[string]bool{"55P03": true, "57014": false} {
		store, s, leave := stander(t)
		b := store.backend
		batch := sent(t, s)
		if batch[0].kind != stand {
			t.Fatalf("it asked for %v, want stand", batch[0].kind)
		}
		batch[0].err = &pgconn.PgError{Code: code}
		b.answered(s, batch)
		undo := sent(t, s)
		if o := undo[0].ops[0]; undo[0].kind != unlockQuietly || o.number != b.entries[store.number("k")].at.lock {
			t.Fatalf("after %s it asked for %v of %d, want unlockQuietly of the lock", code, undo[0].kind, o.number)
		}
		b.answered(s, undo)
		b.mu.Lock()
		e := b.entries[store.number("k")]
		if waits := e != nil && len(e.line) == 1; waits != held {
			t.Errorf("after %s somebody waits: %v, want %v", code, waits, held)
		}
		if b.heat.isHot(store.number("k")) {
			t.Errorf("after %s the key is hot", code)
		}
		b.mu.Unlock()
		if err := leave(); held != errors.Is(err, driver.ErrHeld) {
			t.Errorf("after %s Acquire: %v", code, err)
		}
	}
}

func TestWhoDoesNotWaitIsRefusedWhileASessionStands(t *testing.T) {
	store, s, leave := stander(t)
	batch := sent(t, s)
	_, err := store.TryAcquire(t.Context(), driver.Request{Key: "k", Owner: "other", Lease: 30 * time.Second})
	if !errors.Is(err, driver.ErrHeld) {
		t.Errorf("TryAcquire: %v, want ErrHeld", err)
	}
	if err := leave(); !errors.Is(err, driver.ErrHeld) || !errors.Is(err, context.Canceled) {
		t.Errorf("Acquire whose context ended: %v, want ErrHeld and context.Canceled", err)
	}
	batch[0].ops[0].code = waitedFor // the server grants it all the same
	store.backend.answered(s, batch)
	if confirmed := sent(t, s); confirmed[0].kind != confirm {
		t.Fatalf("it asked for %v, want confirm", confirmed[0].kind)
	} else {
		store.backend.answered(s, answer(confirmed))
	}
	if undo := sent(t, s); undo[0].kind != unlock {
		t.Errorf("what nobody wants any more is given back by %v, want unlock", undo[0].kind)
	}
}

// Whoever waits next has what was granted to one that has left.
func TestTheNextInLineHasWhatWasStoodForByOneThatLeft(t *testing.T) {
	store, s, leave := stander(t)
	batch := sent(t, s)
	got := make(chan driver.Grant, 1)
	queued := make(chan struct{})
	go func() {
		store.backend.mu.Lock()
		e := store.backend.entries[store.number("k")]
		a := &ask{
			store: store, request: driver.Request{Key: "k", Owner: "next", Lease: 30 * time.Second},
			number: store.number("k"), waits: true, done: newSignal(),
		}
		e.line = append(e.line, a)
		store.backend.unlock()
		close(queued)
		<-a.done
		got <- a.grant
	}()
	<-queued
	if err := leave(); !errors.Is(err, context.Canceled) {
		t.Fatalf("Acquire: %v", err)
	}
	batch[0].ops[0].code = waitedFor
	store.backend.answered(s, batch)
	store.backend.answered(s, answer(sent(t, s)))
	if g := <-got; g.Token != 64 {
		t.Errorf("the next in line has %+v", g)
	}
}

// In the queue each has its turn: who stands yields now and then only, but for long
// where others were told in vain for a while.
func TestWhoStandsMakesWayForThoseWhoWereToldInVain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBackend(&pgconn.Config{}, defaults(), nil)
		defer b.end()
		b.most = 100
		e := b.entry(1)
		if d := b.courtesy(e); d != polite {
			t.Errorf("who does not stand yields for %v, want %v", d, polite)
		}
		b.heat, b.classes[standing].live = heat{lock: 1, votes: hot}, &session{}
		yields := map[time.Duration]int{}
		for range 10 * yieldsOnce {
			yields[b.courtesy(e)]++
		}
		if yields[polite] != 10 || yields[0] != 10*(yieldsOnce-1) {
			t.Errorf("who stands yields for %v", yields)
		}
		<-time.After(passedOver + time.Millisecond)
		for range 3 {
			if d := b.courtesy(e); d != polite || b.mayStand(e, &ask{waits: true}) {
				t.Errorf("after %v of telling others it yields for %v, or stands", passedOver, d)
			}
		}
		<-time.After(seated)
		if !b.mayStand(e, &ask{waits: true}) {
			t.Errorf("it does not stand after %v", seated)
		}
	})
}

func TestAProcessWithSessionsForAllLeasesHasNoneThatStands(t *testing.T) {
	store, s := deaf(t)
	b := store.backend
	b.mu.Lock()
	defer b.mu.Unlock()
	b.classes[0].live, b.classes[2].live = s, s
	b.heat = heat{lock: store.number("k"), votes: hot}
	e := b.entry(store.number("k"))
	a := &ask{waits: true}
	if b.mayStand(e, a); b.classes[standing].dialing {
		t.Error("it makes a fifth session")
	}
	fifth := &session{}
	fifth.users.Add(1)
	b.classes[standing].live = fifth
	if b.mayStand(e, a) {
		t.Error("the fifth session is asked for more")
	}
	if b.classes[standing].live == nil {
		t.Error("a session was ended that has a lock")
	}
	b.classes[standing].live = nil
}
