package drivertest

import (
	"context"
	"errors"

	"github.com/concurrent-go/concurrent/driver"
)

var contexts = []promised{
	{"a call whose context has ended does nothing, and says so", endedContext},
	{"a grant outlives the context that it was asked for with", grantOutlivesContext},
}

func endedContext(s *scene) {
	st := s.open()
	held := s.request("held")
	s.take(st, held)
	ctx, cancel := context.WithCancel(s.ctx)
	cancel()
	live := s.ctx
	s.ctx = ctx
	errs := s.everyMethod(st, s.request("k"))
	errs["Release of a held key"] = st.Release(ctx, held)
	if i, ok := st.(driver.Inspector); ok {
		_, errs["Inspect"] = i.Inspect(ctx, "k")
		_, errs["Break"] = i.Break(ctx, "held")
		for _, err := range i.List(ctx, "") {
			errs["List"] = err
		}
	}
	s.ctx = live
	for method, err := range errs {
		if !errors.Is(err, context.Canceled) && !errors.Is(err, driver.ErrUnsupported) {
			s.broken("%s: %v, want the context's error", method, err)
		}
	}
	s.free(st, "k")
	s.refused(st, s.request("held"))
	s.giveBack(st, held)
}

func grantOutlivesContext(s *scene) {
	st := s.open()
	ctx, cancel := context.WithCancel(s.ctx)
	r, waited := s.request("k"), s.request("waited")
	if _, err := st.TryAcquire(ctx, r); err != nil {
		s.fatal("TryAcquire: %v", err)
	}
	all := []driver.Request{r}
	if w, ok := st.(driver.Waiter); ok {
		_, err := w.Acquire(ctx, waited)
		switch {
		case err == nil:
			all = append(all, waited)
		case !errors.Is(err, driver.ErrUnsupported):
			s.fatal("Acquire: %v", err)
		}
	}
	cancel()
	for _, r := range all {
		s.refused(st, s.request(r.Key))
		s.giveBack(st, r)
	}
}
