package locks

import (
	"context"
	"errors"
	"os"
	"slices"
	"testing"

	"github.com/concurrent-go/concurrent"
	"github.com/concurrent-go/concurrent/locks"
)

func TestInspectAndList(t *testing.T) {
	each(t, func(t *testing.T, b *backend) {
		p, other := b.process(t), b.process(t)
		for _, key := range []string{"a:1", "a:2", "b:1"} {
			l := p.cache(key, locks.WithLabel("nightly"))
			acquire(t, l)
			defer release(t, l)
		}
		info := other.inspect("a:1")
		if len(info.Holders) != 1 || info.Key != "a:1" || info.Alias != "it" {
			t.Fatalf("%+v", info)
		}
		if h := info.Holders[0]; h.Label != "nightly" || h.PID != os.Getpid() || h.Since.IsZero() || h.Until.IsZero() {
			t.Errorf("%+v", h)
		}
		var keys []string
		for info, err := range locks.List(t.Context(), "it", "a:", locks.WithRegistry(other.registry)) {
			if err != nil {
				t.Fatal(err)
			}
			keys = append(keys, info.Key)
		}
		if slices.Sort(keys); !slices.Equal(keys, []string{"a:1", "a:2"}) {
			t.Errorf("listed: %q", keys)
		}
		if info := other.inspect("free"); len(info.Holders) != 0 {
			t.Errorf("a free key: %+v", info)
		}
	})
}

func TestBreakEndsTheHoldersContext(t *testing.T) {
	each(t, func(t *testing.T, b *backend) {
		p, other := b.process(t), b.process(t)
		one := p.cache("k", locks.WithLabel("stuck"))
		acquire(t, one)
		ctx := one.Context(t.Context())
		info, err := locks.Break(t.Context(), "it", "k", locks.WithRegistry(other.registry))
		if err != nil || len(info.Holders) != 1 || info.Holders[0].Label != "stuck" {
			t.Fatalf("broke %+v, %v", info, err)
		}
		done(t, "the holder's context ended", ctx.Done())
		if cause := context.Cause(ctx); !errors.Is(cause, locks.ErrLockLost) {
			t.Errorf("the cause: %v", cause)
		}
		two := other.cache("k")
		acquire(t, two)
		if err := one.Release(t.Context()); !errors.Is(err, locks.ErrLockLost) {
			t.Errorf("Release of what was broken: %v", err)
		}
		refused(t, p.cache("k"))
		release(t, two)
		if _, err := locks.Break(t.Context(), "it", "k", locks.WithRegistry(other.registry)); !errors.Is(err, locks.ErrNotHeld) {
			t.Errorf("Break of a free key: %v", err)
		}
	})
}

type events chan concurrent.Event

func (e events) Observe(_ context.Context, ev concurrent.Event) { e <- ev }

func TestTheObserverHearsOfIt(t *testing.T) {
	each(t, func(t *testing.T, b *backend) {
		p, heard := b.process(t), make(events, 100)
		p.registry.Observe(heard)
		one := p.cache("k")
		acquire(t, one)
		refused(t, p.cache("k"))
		token := one.Token()
		release(t, one)
		for _, want := range []concurrent.EventKind{concurrent.EventAcquired, concurrent.EventRefused, concurrent.EventReleased} {
			e := done(t, "an event", heard)
			if e.Kind != want || e.Alias != "it" || e.Key != "k" || want != concurrent.EventRefused && e.Token != token {
				t.Errorf("heard %+v, want %v of token %d", e, want, token)
			}
		}
	})
}
