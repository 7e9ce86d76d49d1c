package locktest

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"

	"github.com/concurrent-go/concurrent/driver"
)

// somebody is who holds what Hold holds.
var somebody = driver.Holder{Host: "locktest", Label: "locktest.Hold"}

// hold gets key for somebody else, whether s is down or not. place says where
// the test asked for it.
func (s *store) hold(key, place string) (release func(), err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := driver.Request{Key: key, Owner: rand.Text(), Lease: driver.Forever, Holder: somebody}
	g, err := s.memory.TryAcquire(context.Background(), r)
	switch {
	case errors.Is(err, driver.ErrHeld):
		return nil, fmt.Errorf("the key is held already: %s", s.holders(key))
	case err != nil:
		return nil, err
	}
	s.ledger.granted(&r, g.Token).place = place
	return sync.OnceFunc(func() {
		s.gaveUp(&r)
		_ = s.memory.Release(context.Background(), r) // if it was lost, or the test is over, nothing is held
	}), nil
}

// lose breaks key, whether s is down or not.
func (s *store) lose(key string) error {
	_, err := s.memory.Break(context.Background(), key)
	if !errors.Is(err, driver.ErrNotHeld) {
		return err
	}
	held := s.held()
	if len(held) == 0 {
		return errors.New("nobody holds the key, nor any other of this alias")
	}
	return fmt.Errorf("nobody holds the key; held are %s", held)
}

// holders says who holds key. It is called with mu locked.
func (s *store) holders(key string) string {
	info, err := s.memory.Inspect(context.Background(), key)
	if err != nil || len(info.Holders) == 0 {
		return "by others who wait for it"
	}
	var all []string
	for _, h := range info.Holders {
		c := claim{key: key, holder: h.Holder, mode: h.Mode, since: h.Since, token: h.Token}
		for _, known := range s.ledger.grants {
			if known.token == h.Token {
				c.place = known.place
			}
		}
		all = append(all, c.who())
	}
	return strings.Join(all, "; ")
}

// namedMost is how many keys an error names.
const namedMost = 10

// held names the keys that are held.
func (s *store) held() string {
	var keys []string
	for info, err := range s.memory.List(context.Background(), "") {
		if err == nil {
			keys = append(keys, fmt.Sprintf("%q", info.Key))
		}
	}
	slices.Sort(keys)
	more := ""
	if len(keys) > namedMost {
		more = fmt.Sprintf(" and %d more", len(keys)-namedMost)
		keys = keys[:namedMost]
	}
	return strings.Join(keys, ", ") + more
}

// tokens returns the token of every lease that is held.
func (s *store) tokens() map[uint64]bool {
	tokens := make(map[uint64]bool)
	for info, err := range s.memory.List(context.Background(), "") {
		if err != nil {
			break // closed: nothing is held
		}
		for _, h := range info.Holders {
			tokens[h.Token] = true
		}
	}
	return tokens
}

// caller says where the test called the method that calls it.
func caller() string {
	_, file, line, ok := runtime.Caller(2)
	if !ok {
		return "an unknown place"
	}
	return fmt.Sprintf("%s:%d", filepath.Base(file), line)
}
