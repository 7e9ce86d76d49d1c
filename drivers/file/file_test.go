package file

import (
	"crypto/rand"
	"errors"
	"testing"
	"time"

	"github.com/concurrent-go/concurrent/driver"
)

func owner() string { return rand.Text() }

func request(key string, lease time.Duration) driver.Request {
	return driver.Request{Key: key, Owner: owner(), Lease: lease, Holder: driver.Holder{Host: "h", PID: 7, Label: "l"}}
}

func openTest(t testing.TB, dir string) *Store {
	t.Helper()
	c, err := New(dir)
	if err != nil {
		t.Fatal(err)
	}
	s, err := c.Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s.(*Store)
}

// dirFor returns a directory of its own that may hold locks: t.TempDir's is
// readable by all, but written by its owner alone.
func dirFor(t testing.TB) string {
	t.Helper()
	return t.TempDir() + "/locks"
}

func acquire(t testing.TB, s driver.Store, r driver.Request) driver.Grant {
	t.Helper()
	g, err := s.TryAcquire(t.Context(), r)
	if err != nil {
		t.Fatalf("TryAcquire(%q): %v", r.Key, err)
	}
	return g
}

func TestALockExcludesAndIsGivenBack(t *testing.T) {
	t.Parallel()
	dir := dirFor(t)
	a, b := openTest(t, dir), openTest(t, dir)
	r := request("k", time.Minute)
	g := acquire(t, a, r)
	if again := acquire(t, a, r); again.Token != g.Token {
		t.Errorf("asked again, the same owner has token %d, had %d", again.Token, g.Token)
	}
	q := request("k", time.Minute)
	if _, err := b.TryAcquire(t.Context(), q); !errors.Is(err, driver.ErrHeld) {
		t.Fatalf("second store: %v, want ErrHeld", err)
	}
	if err := b.Release(t.Context(), q); !errors.Is(err, driver.ErrNotHeld) {
		t.Fatalf("release by who does not hold: %v, want ErrNotHeld", err)
	}
	if err := a.Release(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	if h := acquire(t, b, q); h.Token <= g.Token+uint64(g.Spare) {
		t.Errorf("token %d after %d and %d spare", h.Token, g.Token, g.Spare)
	}
}
