package drivertest_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"sync"
	"time"

	"github.com/concurrent-go/concurrent"
	"github.com/concurrent-go/concurrent/driver"
	"github.com/concurrent-go/concurrent/locks"
)

// A shelf keeps leases in a map, for all stores that are opened on it.
type shelf struct {
	mu    sync.Mutex
	token uint64
	keys  map[string]map[string]lease // by key, then by owner
}

type lease struct {
	mode  driver.Mode
	token uint64
	end   time.Time
	store *shelfStore
}

func (s *shelf) Connector(u *url.URL) (driver.Connector, error) {
	if u.Host+u.Path+u.RawQuery != "" {
		return nil, errors.New("shelf: the URL is shelf:// and no more")
	}
	return s, nil
}

func (s *shelf) Open(context.Context) (driver.Store, error) { return &shelfStore{shelf: s}, nil }

type shelfStore struct {
	*shelf
	closed bool
}

// with calls f with the leases on r.Key that have not ended, by owner.
func (s *shelfStore) with(ctx context.Context, r driver.Request, f func(held map[string]lease) error) error {
	if err := cmp.Or(r.Check(), ctx.Err()); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return driver.ErrClosed
	}
	if s.keys[r.Key] == nil {
		s.keys[r.Key] = make(map[string]lease)
	}
	maps.DeleteFunc(s.keys[r.Key], func(_ string, l lease) bool { return !time.Now().Before(l.end) })
	err := f(s.keys[r.Key])
	if len(s.keys[r.Key]) == 0 {
		delete(s.keys, r.Key)
	}
	return err
}

func (s *shelfStore) TryAcquire(ctx context.Context, r driver.Request) (g driver.Grant, err error) {
	g.Sent = time.Now() // the lease counts from before anything is done
	return g, s.with(ctx, r, func(held map[string]lease) error {
		if err := r.CheckLease(time.Millisecond); err != nil {
			return err
		}
		mine, again := held[r.Owner]
		for _, other := range held {
			if again && mine.mode != r.Mode || !again && (r.Mode.Excludes(other.mode) || r.Mode.Slots() > 0 && len(held) >= r.Mode.Slots()) {
				return &driver.HeldError{} // for how long is not known
			}
		}
		if !again { // an owner who asks again has its token already
			s.token++
			mine = lease{mode: r.Mode, token: s.token, store: s}
		}
		g.Token, mine.end = mine.token, g.Sent.Add(r.Lease)
		held[r.Owner] = mine
		return nil
	})
}

func (s *shelfStore) Extend(ctx context.Context, r driver.Request) (time.Time, error) {
	sent := time.Now()
	return sent, s.with(ctx, r, func(held map[string]lease) error {
		mine, ok := held[r.Owner]
		if err := r.CheckLease(time.Millisecond); err != nil || !ok || mine.mode != r.Mode {
			return cmp.Or(err, driver.ErrNotHeld)
		}
		mine.end = sent.Add(r.Lease)
		held[r.Owner] = mine
		return nil
	})
}

func (s *shelfStore) Release(ctx context.Context, r driver.Request) error {
	return s.with(ctx, r, func(held map[string]lease) error {
		if mine, ok := held[r.Owner]; !ok || mine.mode != r.Mode {
			return driver.ErrNotHeld
		}
		delete(held, r.Owner)
		return nil
	})
}

func (s *shelfStore) Features() driver.Features {
	return driver.Features{Fencing: true, Ordered: true, MinLease: time.Millisecond}
}

// Close gives back what was granted through this store.
func (s *shelfStore) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	for _, held := range s.keys {
		maps.DeleteFunc(held, func(_ string, l lease) bool { return l.store == s })
	}
	return nil
}

func init() { concurrent.Register("shelf", &shelf{keys: make(map[string]map[string]lease)}) }

// A driver of one's own: registered under a scheme, and used through locks.
func Example() {
	concurrent.MustConfigure(concurrent.Aliases{"mine": {URL: "shelf://"}})
	err := locks.Cache("mine", "report").Do(context.Background(), func(ctx context.Context) error {
		token, _ := locks.Token(ctx)
		fmt.Println("held, with token", token)
		return nil
	})
	fmt.Println(err)
	// Output:
	// held, with token 1
	// <nil>
}
