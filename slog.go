package concurrent

import (
	"context"
	"log/slog"
)

// Slog returns an Observer that logs each event as one line: EventLost as an
// error; EventRenewalFailed, EventLeaked and EventStoreWarning as warnings; the
// others for debugging. Where the level is disabled it does nothing and
// allocates nothing. With a nil logger it logs to slog.Default, looked up for
// each event.
//
// The attributes are alias, key, token, took and err, each only where the
// event has it.
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
		attrs = append(attrs, slog.Any("err", e.Err))
	}
	logger.LogAttrs(ctx, level, e.message(), attrs...)
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
