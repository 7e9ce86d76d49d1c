package concurrent

import (
	"context"
	"log/slog"
	"strconv"
	"time"
)

// An Observer is told what happens to locks. Observe is called by the
// goroutine to which it happens, from many at once: it must be safe for
// concurrent use and return soon. ctx carries no deadline.
type Observer interface {
	Observe(ctx context.Context, e Event)
}

// An Event is one thing that happened to a lock or a store.
type Event struct {
	Kind  EventKind
	Alias string
	Key   string        // without the alias's prefix; empty for EventStoreWarning
	Token uint64        // the lease's fencing token; 0 where there is none
	Took  time.Duration // how long the operation took; 0 where it has no length
	Err   error         // what went wrong, or why the lock was lost; else nil
}

// An EventKind says what happened.
type EventKind uint8

const (
	EventAcquired      EventKind = iota + 1 // a lock was got; Took includes the wait
	EventRefused                            // Acquire failed; Err says why
	EventWaiting                            // Acquire has begun to wait
	EventRenewed                            // a lease was renewed or extended
	EventRenewalFailed                      // a renewal failed and will be tried again until the deadline
	EventLost                               // a lease ended without a release
	EventReleased                           // a lock was given back
	EventLeaked                             // a Lock was dropped by the program while active; it is renewed no more
	EventStoreWarning                       // what an opened store's driver warns of
)

var kindNames = [...]string{
	EventAcquired: "acquired", EventRefused: "refused", EventWaiting: "waiting",
	EventRenewed: "renewed", EventRenewalFailed: "renewal failed", EventLost: "lost",
	EventReleased: "released", EventLeaked: "leaked", EventStoreWarning: "store warning",
}

// String returns the kind's name in plain words.
func (k EventKind) String() string {
	if int(k) < len(kindNames) && k > 0 {
		return kindNames[k]
	}
	return "event " + strconv.Itoa(int(k))
}

// observers tells all of them.
type observers []Observer

func (os observers) Observe(ctx context.Context, e Event) {
	for _, o := range os {
		o.Observe(ctx, e)
	}
}

// Slog returns an Observer that logs to l: losses as errors; failed renewals,
// leaks and store warnings as warnings; everything else for debugging.
func Slog(l *slog.Logger) Observer { return slogObserver{l} }

type slogObserver struct{ log *slog.Logger }

func (s slogObserver) Observe(ctx context.Context, e Event) {
	level := slog.LevelDebug
	switch e.Kind {
	case EventLost:
		level = slog.LevelError
	case EventRenewalFailed, EventLeaked, EventStoreWarning:
		level = slog.LevelWarn
	}
	if !s.log.Enabled(ctx, level) {
		return
	}
	attrs := make([]slog.Attr, 0, 5)
	attrs = append(attrs, slog.String("alias", e.Alias))
	if e.Key != "" {
		attrs = append(attrs, slog.String("key", e.Key))
	}
	if e.Token != 0 {
		attrs = append(attrs, slog.Uint64("token", e.Token))
	}
	if e.Took != 0 {
		attrs = append(attrs, slog.Duration("took", e.Took))
	}
	if e.Err != nil {
		attrs = append(attrs, slog.Any("error", e.Err))
	}
	s.log.LogAttrs(ctx, level, "lock "+e.Kind.String(), attrs...)
}
