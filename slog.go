package concurrent

import (
	"context"
	"log/slog"

	"github.com/concurrent-go/concurrent/driver"
)

// Slog returns an Observer that logs each event as one line: EventLost as an
// error; EventRenewalFailed, EventLeaked and EventStoreWarning as warnings; the
// others for debugging. Where the level is disabled it does nothing and
// allocates nothing. With a nil logger it logs to slog.Default, looked up for
// each event.
//
// The attributes are alias, key, id, label, mode, token, took, held and err, each
// only where the event has it: mode not for an exclusive lock.
func Slog(logger *slog.Logger) Observer { return slogObserver{logger} }

type slogObserver struct{ logger *slog.Logger }

func (o slogObserver) Observe(ctx context.Context, e Event) {
	logger := o.logger
	if logger == nil {
		logger = slog.Default()
	}
	level := e.level()
	if !logger.Enabled(ctx, level) {
		return
	}
	logger.LogAttrs(ctx, level, e.message(), e.attrs()...)
}

// attrs has what is set in e.
func (e *Event) attrs() []slog.Attr {
	attrs := make([]slog.Attr, 0, 9)
	add := func(set bool, a slog.Attr) {
		if set {
			attrs = append(attrs, a)
		}
	}
	add(true, slog.String("alias", e.Alias))
	add(e.Key != "", slog.String("key", e.Key))
	add(e.ID != 0, slog.Uint64("id", e.ID))
	add(e.Label != "", slog.String("label", e.Label))
	add(e.Mode != driver.Exclusive, slog.String("mode", e.Mode.String()))
	add(e.Token != 0, slog.Uint64("token", e.Token))
	add(e.Took != 0, slog.Duration("took", e.Took))
	add(e.Held != 0, slog.Duration("held", e.Held))
	add(e.Err != nil, slog.Any("err", e.Err))
	return attrs
}

func (e *Event) level() slog.Level {
	switch e.Kind {
	case EventLost:
		return slog.LevelError
	case EventRenewalFailed, EventLeaked, EventStoreWarning:
		return slog.LevelWarn
	}
	return slog.LevelDebug
}

func (e *Event) message() string {
	if e.Kind == EventStoreWarning {
		return e.Kind.String()
	}
	return "lock " + e.Kind.String()
}
