package postgres

import (
	"context"
	"errors"
	"io"
	"net"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/concurrent-go/concurrent/driver"
)

// deaf returns a store with one session, to a server that never answers.
func deaf(t *testing.T) (*Store, *session) {
	t.Helper()
	b := newBackend(&pgconn.Config{}, defaults(), nil)
	b.most = 100
	ours, theirs := net.Pipe()
	go func() { _, _ = io.Copy(io.Discard, theirs) }()
	s := &session{
		home: b, class: usual, idle: idles[usual], target: idles[usual], conn: ours,
		timer: time.AfterFunc(time.Hour, func() {}), done: newSignal(),
	}
	b.classes[usual].live = s
	t.Cleanup(func() { s.fail(errClosed); _ = theirs.Close(); b.end() })
	return newStore(b), s
}

// answer is what try says of one lock that is granted.
func answer(batch []*group) []*group {
	for _, g := range batch {
		for _, o := range g.ops {
			o.code, o.token = 1, 64
		}
	}
	return batch
}

// The reader has an answer in hand while somebody else ends the session.
func TestAnAnswerThatIsReadAsTheSessionEndsIsNoGrant(t *testing.T) {
	store, s := deaf(t)
	got := make(chan error, 1)
	go func() {
		_, err := store.TryAcquire(t.Context(), driver.Request{Key: "k", Owner: "o", Lease: 30 * time.Second})
		got <- err
	}()
	var batch []*group
	for batch == nil { // until it was sent
		s.mu.Lock()
		batch, s.batch = s.batch, nil
		s.mu.Unlock()
	}
	s.fail(io.EOF)
	store.backend.answered(s, answer(batch))
	if err := <-got; !errors.Is(err, driver.ErrUnavailable) {
		t.Errorf("TryAcquire: %v, want ErrUnavailable", err)
	}
}

// What one session holds for all readers of this process no other session has.
func TestAReaderThatComesAsTheSessionEndsAsksNoOtherOne(t *testing.T) {
	store, s := deaf(t)
	b, number := store.backend, store.number("k")
	b.mu.Lock()
	e := b.entry(number)
	e.grips[usual] = grip{on: s, count: 1, token: 64}
	e.leases = []*lease{{store: store, key: "k", owner: "first", mode: driver.Shared, entry: e, class: usual, on: s, ends: time.Now().Add(time.Hour)}}
	b.mu.Unlock()
	s.mu.Lock()
	s.ended = io.EOF // and the backend does not know yet
	s.mu.Unlock()
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	_, err := store.TryAcquire(ctx, driver.Request{Key: "k", Owner: "second", Lease: 30 * time.Second, Mode: driver.Shared})
	if !errors.Is(err, driver.ErrUnavailable) || ctx.Err() != nil {
		t.Errorf("TryAcquire: %v, want ErrUnavailable at once", err)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if c := &b.classes[usual]; c.dialing || len(c.waiting) > 0 {
		t.Error("another session is to be asked as if it had the lock")
	}
}

// Two keys with one number exclude each other, and neither is taken for the other.
func TestTwoKeysOfOneNumberExcludeEachOther(t *testing.T) {
	store, s := deaf(t)
	b := store.backend
	b.options.number = func(string, string) int64 { return 7 }
	b.mu.Lock()
	e := b.entry(7)
	e.leases = []*lease{{store: store, key: "a", owner: "o", entry: e, class: usual, on: s, ends: time.Now().Add(time.Hour)}}
	b.mu.Unlock()
	other := driver.Request{Key: "b", Owner: "o", Lease: 30 * time.Second}
	if _, err := store.TryAcquire(t.Context(), other); !errors.Is(err, driver.ErrHeld) {
		t.Errorf("TryAcquire: %v, want ErrHeld", err)
	}
	if _, err := store.Extend(t.Context(), other); !errors.Is(err, driver.ErrNotHeld) {
		t.Errorf("Extend: %v, want ErrNotHeld", err)
	}
	if err := store.Release(t.Context(), other); !errors.Is(err, driver.ErrNotHeld) {
		t.Errorf("Release: %v, want ErrNotHeld", err)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(e.leases) != 1 || e.leases[0].over {
		t.Error("the other key's lease is touched")
	}
}

// One process was told of a release, and does not come: all are told.
func TestAReleaseThatNobodyComesForIsToldToAll(t *testing.T) {
	store, s := deaf(t)
	b := store.backend
	b.mu.Lock()
	e := b.entry(7)
	e.told, e.politeUntil = s, time.Now().Add(polite)
	b.look(e)
	b.unlock()
	asked := func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		return len(s.batch) == 1 && s.batch[0].ops[0].statement == script("retell", b.options.schema)
	}
	for end := time.Now().Add(10 * time.Second); !asked(); {
		if time.Now().After(end) {
			t.Fatal("nobody else is told")
		}
		<-time.After(time.Millisecond)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.entries) != 0 {
		t.Error("the entry stays")
	}
}
