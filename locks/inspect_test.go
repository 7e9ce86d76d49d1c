package locks

import (
	"context"
	"errors"
	"os"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/concurrent-go/concurrent"
)

func TestInspectListBreak(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, concurrent.Config{Prefix: "p:"})
		r := WithRegistry(b.Registry)
		l := b.cache("job:1", WithLabel("nightly"), WithExpire(time.Hour))
		mustAcquire(t, l)
		mustAcquire(t, b.cache("other"))
		waiting := meanwhile(func() error { return b.cache("job:1", WithWait(Forever)).Acquire(t.Context()) })
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
