package chaos

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/concurrent-go/concurrent"
	"github.com/concurrent-go/concurrent/integration/servers"
	"github.com/concurrent-go/concurrent/locks"
)

// TestWhatManyHoursUseIsWhatTheFirstMinuteUsed has 200 goroutines take and give
// back locks on every driver, and compares what the process and the servers use
// at the end with what they used after the first minute, when nobody holds
// anything. CONCURRENT_SOAK_DURATION says for how long.
func TestWhatManyHoursUseIsWhatTheFirstMinuteUsed(t *testing.T) {
	s := &soak{t: t, registry: concurrent.NewRegistry(), seed: FromEnv(t).Seed}
	s.stores = []soaked{soakedMemory(), soakedFile(t), soakedRedis(t), soakedPostgres(t)}
	aliases := concurrent.Aliases{}
	for _, store := range s.stores {
		aliases[store.name] = concurrent.Config{URL: store.url, Lease: 2 * time.Second}
	}
	if err := s.registry.Configure(aliases); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	var users sync.WaitGroup
	for n := range 200 {
		users.Go(func() { s.use(ctx, n) })
	}
	d := soakDuration(t)
	first := s.after(min(d/2, time.Minute))
	t.Logf("seed %d, after the first %v: %v", s.seed, min(d/2, time.Minute), first)
	for left := d - min(d/2, time.Minute); left > 0; left -= time.Minute {
		s.after(min(left, time.Minute))
		t.Logf("%d turns, %d errors", s.turns.Load(), s.errors.Load())
	}
	s.compare(first)
	stop()
	users.Wait()
	if err := s.registry.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
	if n := s.errors.Load(); n > 0 {
		t.Errorf("%d of %d turns failed, the last with: %v", n, s.turns.Load(), s.last.Load())
	}
}

func soakDuration(t *testing.T) time.Duration {
	t.Helper()
	v := os.Getenv("CONCURRENT_SOAK_DURATION")
	if v == "" {
		return 12 * time.Second
	}
	d, err := time.ParseDuration(v)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// A soak is its users, who all stop while it measures.
type soak struct {
	t        *testing.T
	registry *concurrent.Registry
	stores   []soaked
	seed     uint64
	gate     sync.RWMutex // read-locked during a turn
	turns    atomic.Int64
	errors   atomic.Int64
	last     atomic.Value
}

// use is one goroutine.
func (s *soak) use(ctx context.Context, number int) {
	store := s.stores[number%len(s.stores)]
	r := rand.New(rand.NewPCG(s.seed, uint64(number)))
	for ctx.Err() == nil {
		s.gate.RLock()
		if err := s.turn(ctx, store.name, r); err != nil {
			s.errors.Add(1)
			s.last.Store(fmt.Sprintf("%s: %v", store.name, err))
		}
		s.turns.Add(1)
		s.gate.RUnlock()
		select {
		case <-ctx.Done():
		case <-time.After(time.Duration(r.Int64N(int64(20 * time.Millisecond)))):
		}
	}
}

// turn is one lock that is had, or waited for in vain.
func (s *soak) turn(ctx context.Context, alias string, r *rand.Rand) error {
	ctx, cancel := context.WithTimeout(ctx, 100*time.Millisecond+time.Duration(r.Int64N(int64(time.Second))))
	defer cancel()
	key := fmt.Sprint("key-", r.IntN(20))
	opts := []locks.Option{locks.WithRegistry(s.registry), locks.WithWait(locks.Forever)}
	if r.IntN(3) == 0 {
		opts = append(opts, locks.WithExpire(2*time.Second+time.Duration(r.Int64N(int64(time.Second)))))
	}
	l := locks.Write(alias, key, opts...)
	switch r.IntN(4) {
	case 0:
		l = locks.Read(alias, key, opts...)
	case 1:
		l = locks.Permit(alias, key+"-permits", 3, opts...)
	}
	if err := l.Acquire(ctx); err != nil {
		return unlessOver(ctx, err)
	}
	hold := time.Duration(r.Int64N(int64(10 * time.Millisecond)))
	if r.IntN(200) == 0 {
		hold = 1500 * time.Millisecond // it is renewed
	}
	held := l.Context(context.WithoutCancel(ctx))
	select {
	case <-held.Done():
	case <-time.After(hold):
	}
	return l.Release(context.WithoutCancel(ctx))
}

// unlessOver leaves out what comes of a caller that gives up.
func unlessOver(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// after measures when d has passed and nobody holds or waits.
func (s *soak) after(d time.Duration) usage {
	s.t.Helper()
	<-time.After(d)
	s.gate.Lock()
	defer s.gate.Unlock()
	return s.settled(func(now, before usage) bool { return now.goroutines == before.goroutines && now.fds == before.fds })
}

// settled measures until two measurements say that it is enough, or it takes
// too long: what is done in the background is done soon.
func (s *soak) settled(enough func(now, before usage) bool) usage {
	s.t.Helper()
	before := s.measure()
	for over := time.After(patience / 2); ; {
		select {
		case <-over:
			return before
		case <-time.After(time.Second):
		}
		now := s.measure()
		if enough(now, before) {
			return now
		}
		before = now
	}
}

// compare fails the test if more is used than at first.
func (s *soak) compare(first usage) {
	s.t.Helper()
	s.gate.Lock()
	defer s.gate.Unlock()
	last := s.settled(func(now, _ usage) bool { return len(now.beyond(first)) == 0 })
	s.t.Logf("at the end, after %d turns: %v", s.turns.Load(), last)
	for _, what := range last.beyond(first) {
		s.t.Errorf("at the end %s", what)
	}
}

// A soaked is a store and what is asked of its server.
type soaked struct {
	name, url string
	count     func() (map[string]int, error)
}

func soakedMemory() soaked {
	return soaked{"memory", "memory://soak", func() (map[string]int, error) { return nil, nil }}
}

func soakedFile(t *testing.T) soaked {
	dir := filepath.Join(t.TempDir(), "locks")
	return soaked{"file", "file://" + dir, func() (map[string]int, error) {
		files, err := os.ReadDir(dir)
		return map[string]int{"files": len(files)}, err
	}}
}

func soakedRedis(t *testing.T) soaked {
	server := servers.NewRedis(t, "redis")
	return soaked{"redis", server.URL, func() (map[string]int, error) { return countRedis(server.URL) }}
}

func soakedPostgres(t *testing.T) soaked {
	server := servers.NewPostgres(t, "postgres")
	return soaked{"postgres", server.URL, func() (map[string]int, error) { return countPostgres(server.URL) }}
}
