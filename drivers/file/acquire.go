package file

import (
	"context"

	"github.com/concurrent-go/concurrent/driver"
)

// TryAcquire asks once. It waits for no holder, but for other processes to
// finish their changes of the key's state file.
func (s *Store) TryAcquire(ctx context.Context, r driver.Request) (driver.Grant, error) {
	if err := s.check(&r); err != nil {
		return driver.Grant{}, err
	}
	if err := s.begin(ctx); err != nil {
		return driver.Grant{}, err
	}
	defer s.calls.Done()
	return s.ask(ctx, &r, nil)
}

func (s *Store) check(r *driver.Request) error {
	if err := r.Check(); err != nil {
		return err
	}
	return r.CheckLease(minLease)
}

// again grants a lease to its owner once more.
func (v *visit) again(h *holding, r *driver.Request) (driver.Grant, int64, error) {
	if h.mode != r.Mode {
		return driver.Grant{}, 0, h.otherMode(r.Mode)
	}
	h.until, v.dirty = after(v.now, r.Lease), true
	return driver.Grant{Token: h.token, Spare: spare, Sent: v.sent}, h.until, nil
}

// ask grants r, or puts w in line and returns ErrHeld, or returns ErrHeld if w
// is nil.
func (s *Store) ask(ctx context.Context, r *driver.Request, w *waiter) (g driver.Grant, err error) {
	i := shardOf(r.Key)
	err = s.visit(ctx, i, func(v *visit) error {
		e, err := v.entry(r.Key)
		if err != nil {
			return err
		}
		var until int64
		switch h := e.holding(r.Owner); {
		case h != nil:
			if g, until, err = v.again(h, r); err != nil {
				return err
			}
		case e.crowded() || !e.admits(r.Mode, ""):
			if w != nil {
				e.line = append(e.line, waiting{owner: r.Owner, mode: r.Mode, seat: s.seat})
				s.queue(i, w)
				v.dirty = true
				s.hurry(e.next())
			}
			return e.held(r.Mode, v.now)
		default:
			if g, until, err = v.grant(e, r); err != nil {
				return err
			}
		}
		v.saved = append(v.saved, func() { s.hold(i, name{r.Key, r.Owner}, until) })
		return nil
	})
	if err != nil {
		return driver.Grant{}, err
	}
	return g, nil
}
