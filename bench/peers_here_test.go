package bench

import (
	"context"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/gofrs/flock"
	"github.com/moby/locker"
	"golang.org/x/sync/semaphore"
)

// mobyLocker is a sync.Mutex for each name.
var mobyLocker = contender{name: "moby/locker", inside: true, open: func(string, time.Duration) (*client, error) {
	l := locker.New()
	take := func(_ context.Context, key string) (func() error, error) {
		l.Lock(key)
		return func() error { return l.Unlock(key) }, nil
	}
	return &client{try: take, wait: take, close: func() {}}, nil
}}

// xSemaphore is a semaphore of one for each key, first come, first served.
var xSemaphore = contender{name: "x/sync semaphore", inside: true, open: func(string, time.Duration) (*client, error) {
	var all sync.Map
	take := func(ctx context.Context, key string) (func() error, error) {
		v, ok := all.Load(key)
		if !ok {
			v, _ = all.LoadOrStore(key, semaphore.NewWeighted(1))
		}
		s := v.(*semaphore.Weighted)
		if err := s.Acquire(ctx, 1); err != nil {
			return nil, err
		}
		return func() error { s.Release(1); return nil }, nil
	}
	return &client{try: take, wait: take, close: func() {}}, nil
}}

// gofrsFlock is a file for each key. A file that is locked once more by the same
// *flock.Flock is no wait, so each section has its own.
var gofrsFlock = contender{name: "gofrs/flock", open: func(address string, _ time.Duration) (*client, error) {
	u, err := url.Parse(address)
	if err != nil {
		return nil, err
	}
	take := func(_ context.Context, key string) (func() error, error) {
		f := flock.New(filepath.Join(u.Path, "flock-"+strings.ReplaceAll(key, "/", "-")))
		if err := f.Lock(); err != nil {
			return nil, err
		}
		return f.Close, nil // unlocks
	}
	return &client{try: take, wait: take, close: func() {}}, nil
}}
