package locks

import (
	"context"
	"testing"
	"time"

	"github.com/concurrent-go/concurrent"
)

// reacts is an observer that does something at events of one kind.
type reacts struct {
	kind concurrent.EventKind
	do   func()
}

func (r reacts) Observe(_ context.Context, e concurrent.Event) {
	if e.Kind == r.kind {
		r.do()
	}
}

// panics calls f, and returns what it panicked with.
func panics(f func()) (p any) {
	defer func() { p = recover() }()
	f()
	return nil
}

func TestWaitOutlivesACallThatHangs(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		b.store.script(func(s *scripted) { s.try, s.acquire = first(hangs), hangs })
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		began := time.Now()
		l := Permit("default", "k", 2, WithWait(Forever), WithRegistry(b.Registry))
		b.store.script(func(s *scripted) { s.acquire = nil })
		if err := l.Acquire(ctx); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(began); took > callBound+time.Second {
			t.Errorf("Acquire took %v after one call that hung", took)
		}
		mustRelease(t, l)
	})
}
