package locks

import (
	"context"
	"errors"
	"iter"
	"maps"
	"os"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/concurrent-go/concurrent"
	"github.com/concurrent-go/concurrent/driver"
	"github.com/concurrent-go/concurrent/drivers/memory"
)

func TestInspectListBreak(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, concurrent.Config{Prefix: "p:"})
		r := WithRegistry(b.Registry)
		l := b.cache("job:1", WithLabel("nightly"), WithExpire(time.Hour))
		mustAcquire(t, l)
		mustAcquire(t, b.cache("other"))
		waiting := meanwhile(func() error { return b.cache("job:1", WithWait(Forever), WithLabel("next")).Acquire(t.Context()) })
		synctest.Wait()

		info, err := Inspect(t.Context(), "default", "job:1", r)
		if err != nil || len(info.Holders) != 1 || info.Alias != "default" || info.Key != "job:1" || info.Waiters != 1 {
			t.Fatalf("Inspect: %+v, %v", info, err)
		}
		h := info.Holders[0]
		host, _ := os.Hostname()
		if h.Label != "nightly" || h.PID != os.Getpid() || h.Host != host || h.Token != l.Token() || h.Until.Sub(h.Since) != time.Hour {
			t.Errorf("the holder is shown as %+v", h)
		}
		if q := info.Queue; len(q) != 1 || q[0].Label != "next" || q[0].PID != os.Getpid() || q[0].Since.IsZero() || q[0].Token != 0 {
			t.Errorf("the queue is shown as %+v", q)
		}
		if info, err := Inspect(t.Context(), "default", "free", r); err != nil || len(info.Holders) != 0 {
			t.Errorf("Inspect of a free key: %+v, %v", info, err)
		}

		var keys []string
		for info, err := range List(t.Context(), "default", "job:", r) {
			if err != nil {
				t.Fatal(err)
			}
			keys = append(keys, info.Key)
		}
		if !slices.Equal(keys, []string{"job:1"}) {
			t.Errorf("List yields %q", keys)
		}
		for _, err := range List(t.Context(), "default", "", r) {
			if err != nil {
				t.Error(err)
			}
			break // a loop may be left
		}

		ctx := l.Context(t.Context())
		broken, err := Break(t.Context(), "default", "job:1", r)
		if err != nil || len(broken.Holders) != 1 || broken.Holders[0].Label != "nightly" {
			t.Errorf("Break: %+v, %v", broken, err)
		}
		synctest.Wait()
		if l.Active() {
			t.Error("the holder has not learned of the Break")
		}
		wantIs(t, context.Cause(ctx), ErrLockLost)
		wantIs(t, l.Release(t.Context()), ErrLockLost)
		if err := <-waiting; err != nil {
			t.Error(err)
		}
		_, err = Break(t.Context(), "default", "free", r)
		wantIs(t, err, ErrNotHeld)
		b.down = true
		ended, cancel := context.WithCancel(t.Context())
		cancel()
		_ = b.Shutdown(ended)
	})
}

func TestInspectErrors(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		r := WithRegistry(b.Registry)
		_, err := Inspect(t.Context(), "no such", "k", r)
		wantIs(t, err, concurrent.ErrUnknownAlias)
		_, err = Break(t.Context(), "no such", "k", r)
		wantIs(t, err, concurrent.ErrUnknownAlias)
		_, err = Inspect(t.Context(), "default", "", r)
		wantIs(t, err, ErrInvalidRequest)
		ended, cancel := context.WithCancel(t.Context())
		cancel()
		for _, err := range List(ended, "default", "", r) {
			wantIs(t, err, context.Canceled)
			var e *Error
			if !errors.As(err, &e) || e.Op != "list" || e.Alias != "default" {
				t.Errorf("%#v is no *Error about List", err)
			}
		}
	})
}

// A Break whose news comes before the grant's reply is not forgotten.
func TestBreakBeforeTheReply(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		b.store.script(func(s *scripted) {
			s.try = func(ctx context.Context, do func() error) error {
				err := do()
				_, _ = s.Break(context.Background(), "k")
				time.Sleep(50 * time.Millisecond) // the reply is slower than the news
				return err
			}
		})
		l := b.cache("k", WithKeepAlive(time.Hour))
		if err := l.Acquire(t.Context()); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		if l.Active() {
			t.Error("active a second after the Break")
		}
		wantIs(t, l.Release(t.Context()), ErrLockLost)
	})
}

// Everything that is held is listed: readers and permits with each holder, a
// lease without end with no end, a kept key with whom it was kept for.
func TestInspectShowsEveryHolder(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		r := WithRegistry(b.Registry)
		readers := []*Lock{Read("default", "read", r, WithLabel("one")), Read("default", "read", r, WithLabel("two"))}
		permits := []*Lock{Permit("default", "permit", 3, r), Permit("default", "permit", 3, r)}
		endless, kept := b.cache("endless", WithExpire(Forever)), b.cache("kept", WithExpire(time.Minute), WithKeep())
		for _, l := range append(append(readers, permits...), endless, kept) {
			mustAcquire(t, l)
		}
		mustRelease(t, kept)
		holders := make(map[string]int)
		for info, err := range List(t.Context(), "default", "", r) {
			if err != nil {
				t.Fatal(err)
			}
			if info.Alias != "default" {
				t.Errorf("alias %q", info.Alias)
			}
			holders[info.Key] = len(info.Holders)
			for _, h := range info.Holders {
				if h.Since.IsZero() || h.Until.IsZero() != (info.Key == "endless") {
					t.Errorf("%q is shown from %v to %v", info.Key, h.Since, h.Until)
				}
			}
		}
		if want := map[string]int{"read": 2, "permit": 2, "endless": 1, "kept": 1}; !maps.Equal(holders, want) {
			t.Errorf("holders are %v, want %v", holders, want)
		}
		info, err := Break(t.Context(), "default", "read", r)
		if err != nil || len(info.Holders) != 2 {
			t.Errorf("Break of two readers: %+v, %v", info, err)
		}
		if info, err = Break(t.Context(), "default", "kept", r); err != nil || len(info.Holders) != 1 {
			t.Errorf("Break of a kept key: %+v, %v", info, err)
		}
		synctest.Wait()
		for _, l := range readers {
			wantIs(t, l.Release(t.Context()), ErrLockLost)
		}
		releaseAll(t, append(permits, endless))
	})
}

// The prefix is put before what is asked for, and taken off what is shown; what
// other programs keep in the store is not shown.
func TestListStaysWithinThePrefix(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := memory.New()
		r := concurrent.NewRegistry()
		if err := r.Configure(concurrent.Aliases{
			"mine": {Store: st, Prefix: "mine:"}, "theirs": {Store: st, Prefix: "theirs:"},
		}); err != nil {
			t.Fatal(err)
		}
		opt := WithRegistry(r)
		mine, theirs := Cache("mine", "k", opt), Cache("theirs", "k", opt)
		mustAcquire(t, mine)
		mustAcquire(t, theirs)
		var keys []string
		for info, err := range List(t.Context(), "mine", "", opt) {
			if err != nil {
				t.Fatal(err)
			}
			keys = append(keys, info.Key)
		}
		if !slices.Equal(keys, []string{"k"}) {
			t.Errorf("List yields %q", keys)
		}
		if info, err := Break(t.Context(), "mine", "k", opt); err != nil || info.Key != "k" || info.Alias != "mine" {
			t.Errorf("Break: %+v, %v", info, err)
		}
		synctest.Wait()
		if mine.Active() || !theirs.Active() {
			t.Errorf("active: mine %t, theirs %t", mine.Active(), theirs.Active())
		}
		wantIs(t, mine.Release(t.Context()), ErrLockLost)
		mustRelease(t, theirs)
		if err := r.Shutdown(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

// Where the store can't tell, a holder learns of a Break at its next renewal,
// and one that is not renewed when it releases; the token still tells them
// apart.
func TestBreakOnAStoreThatDoesNotTell(t *testing.T) {
	st := memory.New()
	on(t, silent{st, st, st, st}, func(t *testing.T, r Option) {
		renewed, fixed := Cache("default", "renewed", r, WithKeepAlive(30*time.Second)), Cache("default", "fixed", r, WithExpire(30*time.Second))
		for _, l := range []*Lock{renewed, fixed} {
			mustAcquire(t, l)
			if _, err := Break(t.Context(), "default", l.Key(), r); err != nil {
				t.Fatal(err)
			}
			next := Cache("default", l.Key(), r)
			mustAcquire(t, next)
			if next.Token() <= l.Token() {
				t.Errorf("token %d after %d", next.Token(), l.Token())
			}
			defer mustRelease(t, next)
		}
		synctest.Wait()
		if !renewed.Active() || !fixed.Active() {
			t.Fatal("told of the Break: there is nothing to see")
		}
		time.Sleep(11 * time.Second)
		if renewed.Active() {
			t.Error("active after its next renewal")
		}
		wantIs(t, renewed.Release(t.Context()), ErrLockLost, ErrNotHeld)
		wantIs(t, fixed.Release(t.Context()), ErrLockLost, ErrNotHeld)
	})
}

// silent is a store that does not tell what it lost.
type silent struct {
	driver.Store
	driver.Waiter
	driver.Batcher
	driver.Inspector
}

// What the store says of a loss is in the error; a loss that it gives no reason
// for is ErrNotHeld.
func TestLossesOfTheStore(t *testing.T) {
	st := &telling{Store: memory.New()}
	on(t, st, func(t *testing.T, r Option) {
		for _, reason := range []error{errLost, nil} {
			l, other := Cache("default", "k", r), Cache("default", "other", r)
			mustAcquire(t, l)
			mustAcquire(t, other)
			owner := l.current.Load().owner
			st.tell(driver.Loss{Key: "k", Owner: "somebody-else", Err: reason})
			st.tell(driver.Loss{Key: "other", Owner: owner, Err: reason})
			time.Sleep(time.Minute)
			if !l.Active() || !other.Active() {
				t.Fatal("lost with another's lease")
			}
			ctx := l.Context(t.Context())
			st.tell(driver.Loss{Key: "k", Owner: owner, Err: reason})
			<-ctx.Done()
			want := reason
			if want == nil {
				want = ErrNotHeld
			}
			wantIs(t, context.Cause(ctx), ErrLockLost, want)
			wantIs(t, l.Release(t.Context()), ErrLockLost, want)
			mustRelease(t, other)
			_, _ = st.Break(t.Context(), "k") // a loss that only the test made up
		}
	})
	if !st.stopped {
		t.Error("the store was not told to tell no more")
	}
}

// telling is a store of which a test tells the losses.
type telling struct {
	*memory.Store
	tell    func(driver.Loss)
	stopped bool
}

func (s *telling) NotifyLost(f func(driver.Loss)) func() {
	s.tell = f
	return func() { s.stopped = true }
}

// An error in the middle ends a List.
func TestListEndsWithAnError(t *testing.T) {
	on(t, failingList{memory.New()}, func(t *testing.T, r Option) {
		var keys []string
		var last error
		for info, err := range List(t.Context(), "default", "", r) {
			keys = append(keys, info.Key)
			last = err
		}
		if !slices.Equal(keys, []string{"one", ""}) {
			t.Errorf("yields %q", keys)
		}
		wantIs(t, last, errLost)
		if e, ok := errors.AsType[*Error](last); !ok || e.Op != "list" {
			t.Errorf("%#v is no *Error of List", last)
		}
	})
}

// failingList is a store whose List breaks off after one key.
type failingList struct{ *memory.Store }

func (failingList) List(context.Context, string) iter.Seq2[driver.Info, error] {
	return func(yield func(driver.Info, error) bool) {
		_ = yield(driver.Info{Key: "one"}, nil) && yield(driver.Info{}, errLost) && yield(driver.Info{Key: "three"}, nil)
	}
}

// Who reads a listing takes as long as it likes.
func TestListWaitsForItsReader(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		for _, key := range []string{"a", "b", "c"} {
			l := b.cache(key, WithExpire(time.Hour))
			mustAcquire(t, l)
			defer mustRelease(t, l)
		}
		listed := 0
		for info, err := range List(t.Context(), "default", "", WithRegistry(b.Registry)) {
			if err != nil {
				t.Fatalf("after %d: %v", listed, err)
			}
			listed += len(info.Holders)
			time.Sleep(callBound + time.Second)
		}
		if listed != 3 {
			t.Errorf("%d keys are listed, want 3", listed)
		}
	})
}

// A store may have other users, of whose losses this one hears too.
func TestLossesOfOthersDelayNone(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		l := b.cache("k", WithExpire(24*time.Hour))
		mustAcquire(t, l)
		for range 60 {
			r := driver.Request{Key: "other", Owner: "of-another-process", Lease: time.Minute}
			if _, err := b.store.TryAcquire(t.Context(), r); err != nil {
				t.Fatal(err)
			}
			if _, err := b.store.Break(t.Context(), "other"); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Second)
		}
		if _, err := b.store.Break(t.Context(), "k"); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if l.Active() {
			t.Error("the holder has not heard of it")
		}
		wantIs(t, l.Release(t.Context()), ErrLockLost)
	})
}
