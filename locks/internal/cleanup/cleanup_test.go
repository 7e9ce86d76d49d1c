package cleanup_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/concurrent-go/concurrent/driver"
	"github.com/concurrent-go/concurrent/locks/internal/cleanup"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A call is one that the store got.
type call struct {
	at   time.Duration // since the test began
	key  string
	keep time.Duration // 0: it was a release
}

// A bench is a Cleanup, and the store that it asks.
type bench struct {
	*cleanup.Cleanup
	began   time.Time
	end     context.CancelFunc
	running sync.WaitGroup
	refuses bool

	answer func(ctx context.Context, key string, tries int) error

	mu    sync.Mutex
	calls []call
	tries map[string]int
}

var _ cleanup.Store = (*bench)(nil)

func in(t *testing.T, answer func(ctx context.Context, key string, tries int) error, f func(t *testing.T, b *bench)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		life, end := context.WithCancel(t.Context())
		b := &bench{began: time.Now(), end: end, answer: answer, tries: make(map[string]int)}
		b.Cleanup = cleanup.New(life, b, func(f func()) bool {
			if !b.refuses {
				b.running.Go(f)
			}
			return !b.refuses
		})
		defer b.running.Wait()
		defer end()
		f(t, b)
	})
}

func (b *bench) note(ctx context.Context, r driver.Request, keep time.Duration) error {
	b.mu.Lock()
	b.calls = append(b.calls, call{time.Since(b.began), r.Key, keep})
	b.tries[r.Key]++
	tries := b.tries[r.Key]
	b.mu.Unlock()
	return b.answer(ctx, r.Key, tries)
}

func (b *bench) Release(ctx context.Context, r driver.Request) error { return b.note(ctx, r, 0) }
func (b *bench) Keep(ctx context.Context, r driver.Request) error    { return b.note(ctx, r, r.Lease) }

// after returns the calls of the next d.
func (b *bench) after(d time.Duration) []call {
	time.Sleep(d)
	synctest.Wait()
	b.mu.Lock()
	defer b.mu.Unlock()
	calls := b.calls
	b.calls = nil
	return calls
}

func item(key string) cleanup.Item { return cleanup.Item{Request: driver.Request{Key: key}} }

// yes, down and notHeld are stores that always answer the same, and hang is one that
// answers when the call's time is over.
func yes(context.Context, string, int) error     { return nil }
func down(context.Context, string, int) error    { return driver.ErrUnavailable }
func notHeld(context.Context, string, int) error { return driver.ErrNotHeld }
func hang(ctx context.Context, _ string, _ int) error {
	<-ctx.Done()
	return ctx.Err()
}

func TestItemIsReleasedAtOnceAndOnce(t *testing.T) {
	in(t, yes, func(t *testing.T, b *bench) {
		for i := range 3 {
			b.Add(item("k"))
			if calls := b.after(0); len(calls) != 1 || calls[0].keep != 0 || b.Done() != uint64(i+1) {
				t.Errorf("calls %v, and %d items done, want one release", calls, b.Done())
			}
			if calls := b.after(time.Hour); calls != nil {
				t.Errorf("calls %v for what was released", calls)
			}
		}
	})
}

func TestFailedReleaseIsTriedAgain(t *testing.T) {
	untilTenth := func(_ context.Context, _ string, tries int) error {
		if tries < 10 {
			return driver.ErrUnavailable
		}
		return nil
	}
	in(t, untilTenth, func(t *testing.T, b *bench) {
		b.Add(item("k"))
		calls := b.after(time.Minute)
		if len(calls) != 10 || b.Done() != 1 {
			t.Fatalf("%d calls and %d items done, want ten and one", len(calls), b.Done())
		}
		pause := 50 * time.Millisecond
		for i := range calls[1:] {
			if d := calls[i+1].at - calls[i].at; d > pause || d < pause*3/4 {
				t.Errorf("try %d came after %v, want %v or up to a quarter less", i+2, d, pause)
			}
			pause = min(2*pause, 5*time.Second)
		}
	})
}

func TestLastWordOfAStore(t *testing.T) {
	closed := func(context.Context, string, int) error { return fmt.Errorf("wrapped: %w", driver.ErrClosed) }
	now := func(d time.Duration) time.Time { return time.Now().Add(d) }
	for _, test := range []struct {
		name   string
		answer func(context.Context, string, int) error
		make   func(*cleanup.Item)
		until  time.Duration // tried until then; 0: once, -1: forever
	}{
		{"not held", notHeld, func(*cleanup.Item) {}, 0},
		{"not held yet", notHeld, func(it *cleanup.Item) { it.Settled = now(time.Minute) }, time.Minute},
		{"not held, settled before", notHeld, func(it *cleanup.Item) { it.Settled = now(-1) }, 0},
		{"closed", closed, func(it *cleanup.Item) { it.Settled, it.Over = now(time.Hour), now(time.Hour) }, 0},
		{"down", down, func(*cleanup.Item) {}, -1},
		{"down, settled", down, func(it *cleanup.Item) { it.Settled = now(time.Minute) }, -1},
		{"down until the lease is over", down, func(it *cleanup.Item) { it.Over = now(time.Minute) }, time.Minute},
		{"not held yet, and over", notHeld, func(it *cleanup.Item) { it.Settled, it.Over = now(time.Hour), now(time.Minute) }, time.Minute},
		{"over before", down, func(it *cleanup.Item) { it.Over = now(-1) }, 0},
	} {
		in(t, test.answer, func(t *testing.T, b *bench) {
			it := item("k")
			test.make(&it)
			b.Add(it)
			calls := b.after(10 * time.Minute)
			last := calls[len(calls)-1].at
			more := b.after(time.Minute)
			switch test.until {
			case 0:
				if len(calls) != 1 || more != nil {
					t.Errorf("%s: %d calls, want one", test.name, len(calls))
				}
			case -1:
				if more == nil {
					t.Errorf("%s: not tried any more after %v", test.name, last)
				}
			default:
				if more != nil || last < test.until || last > test.until+5*time.Second {
					t.Errorf("%s: last tried after %v, and %v, want soon after %v", test.name, last, more, test.until)
				}
			}
			if b.Done() != 0 {
				t.Errorf("%s: %d items were given back, want none", test.name, b.Done())
			}
		})
	}
}

func TestKeptItemIsKeptUntilItsMoment(t *testing.T) {
	in(t, yes, func(t *testing.T, b *bench) {
		it := item("k")
		it.KeepUntil = time.Now().Add(time.Minute)
		b.Add(it)
		want := []call{{0, "k", time.Minute}}
		if calls := b.after(time.Hour); !slices.Equal(calls, want) || b.Done() != 1 {
			t.Errorf("calls %v and %d items done, want %v", calls, b.Done(), want)
		}
		it.KeepUntil = time.Now().Add(time.Microsecond)
		b.Add(it)
		if calls := b.after(0); len(calls) != 1 || calls[0].keep != time.Millisecond {
			t.Errorf("calls %v, want to keep it for the shortest time, a millisecond", calls)
		}
	})
	in(t, down, func(t *testing.T, b *bench) {
		it := item("k")
		it.KeepUntil = time.Now().Add(time.Second)
		b.Add(it)
		for _, c := range b.after(time.Minute) {
			if want := max(0, time.Second-c.at); c.keep != want {
				t.Errorf("after %v it was to be kept for %v, want %v, and 0 for a release", c.at, c.keep, want)
			}
		}
	})
}

func TestHungCallDelaysNoOther(t *testing.T) {
	oneHangs := func(ctx context.Context, key string, tries int) error {
		if key == "hangs" {
			return hang(ctx, key, tries)
		}
		return nil
	}
	in(t, oneHangs, func(t *testing.T, b *bench) {
		b.Add(item("hangs"))
		synctest.Wait()
		for i := range 100 {
			b.Add(item(fmt.Sprint(i)))
		}
		synctest.Wait()
		if b.Done() != 100 {
			t.Errorf("%d items were given back beside a call that hangs, want 100", b.Done())
		}
		calls := b.after(1100 * time.Millisecond)
		if last := calls[len(calls)-1]; len(calls) != 102 || last.key != "hangs" || last.at < time.Second {
			t.Errorf("%d calls, the last %v, want the one that hangs again after a second", len(calls), last)
		}
	})
}

func TestCallsAtOnceAreLimited(t *testing.T) {
	in(t, hang, func(t *testing.T, b *bench) {
		for i := range 1500 {
			b.Add(item(fmt.Sprint(i)))
		}
		if n := len(b.after(0)); n != 1024 {
			t.Errorf("%d calls at once, want 1024", n)
		}
		if n := len(b.after(time.Second)); n != 476 {
			t.Errorf("%d calls after the first, want the other 476", n)
		}
	})
}

func TestPanickingStoreIsAskedAgain(t *testing.T) {
	once := func(_ context.Context, _ string, tries int) error {
		if tries == 1 {
			panic("a bug")
		}
		return nil
	}
	in(t, once, func(t *testing.T, b *bench) {
		b.Add(item("k"))
		if calls := b.after(time.Second); len(calls) != 2 || b.Done() != 1 {
			t.Errorf("calls %v and %d items done, want two and one", calls, b.Done())
		}
	})
}

// finish returns how long Finish took.
func (b *bench) finish(limit time.Duration) time.Duration {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	began := time.Now()
	b.Finish(ctx)
	return time.Since(began)
}

func TestFinishTriesEachItemOnceMore(t *testing.T) {
	in(t, down, func(t *testing.T, b *bench) {
		b.Add(item("a"))
		b.Add(item("b"))
		b.after(4 * time.Minute) // they pause for seconds by now
		if d := b.finish(time.Hour); d != 0 {
			t.Errorf("Finish took %v, want no pause", d)
		}
		if calls := b.after(time.Hour); len(calls) != 2 || calls[0].key == calls[1].key {
			t.Errorf("calls %v, want one for each item", calls)
		}
		b.Add(item("c"))
		if calls := b.after(time.Hour); len(calls) != 1 {
			t.Errorf("calls %v for an item after Finish, want one", calls)
		}
	})
}

func TestFinishWaitsForCallsUnderWay(t *testing.T) {
	in(t, hang, func(t *testing.T, b *bench) {
		if d := b.finish(time.Hour); d != 0 {
			t.Errorf("Finish took %v for nothing", d)
		}
	})
	in(t, hang, func(t *testing.T, b *bench) {
		b.Add(item("k"))
		b.after(300 * time.Millisecond)
		if d := b.finish(time.Hour); d != 700*time.Millisecond {
			t.Errorf("Finish took %v, want the rest of the call's second", d)
		}
		if calls := b.after(time.Hour); calls != nil {
			t.Errorf("calls %v after Finish", calls)
		}
	})
	in(t, hang, func(t *testing.T, b *bench) {
		b.Add(item("k"))
		synctest.Wait()
		if d := b.finish(10 * time.Millisecond); d != 10*time.Millisecond {
			t.Errorf("Finish took %v, and its context ended after 10ms", d)
		}
	})
}

func TestCleanupEndsWithItsLife(t *testing.T) {
	in(t, hang, func(t *testing.T, b *bench) {
		b.Add(item("k"))
		synctest.Wait()
		b.end()
		b.running.Wait()
		if d := b.finish(time.Hour); d != 0 {
			t.Errorf("Finish took %v at the end of life", d)
		}
	})
}

func TestItemIsForgottenWhereNothingStarts(t *testing.T) {
	in(t, yes, func(t *testing.T, b *bench) {
		b.refuses = true
		b.Add(item("k"))
		if d := b.finish(time.Hour); d != 0 {
			t.Errorf("Finish waited %v for an item that nobody can give back", d)
		}
		b.refuses = false
		b.Add(item("l"))
		if calls := b.after(time.Hour); len(calls) != 1 || calls[0].key != "l" {
			t.Errorf("calls %v, want the one for the item that came later", calls)
		}
	})
}
