package file

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/concurrent-go/concurrent/driver"
)

// Extend makes a lease end r.Lease from now.
func (s *Store) Extend(ctx context.Context, r driver.Request) (time.Time, error) {
	sent, errs := s.ExtendAll(ctx, []driver.Request{r})
	if errs != nil {
		return sent, errs[0]
	}
	return sent, nil
}

// ExtendAll extends many leases; each state file is written once.
func (s *Store) ExtendAll(ctx context.Context, rs []driver.Request) (time.Time, []error) {
	sent := time.Now()
	errs := make([]error, len(rs))
	todo := make([]int, 0, len(rs))
	for i := range rs {
		if errs[i] = s.check(&rs[i]); errs[i] == nil {
			todo = append(todo, i)
		}
	}
	if err := s.begin(ctx); err != nil {
		for _, i := range todo {
			errs[i] = err
		}
		return sent, some(errs)
	}
	defer s.calls.Done()
	slices.SortStableFunc(todo, func(a, b int) int { return cmp.Compare(shardOf(rs[a].Key), shardOf(rs[b].Key)) })
	for len(todo) > 0 {
		i := shardOf(rs[todo[0]].Key)
		n := 1
		for n < len(todo) && shardOf(rs[todo[n]].Key) == i {
			n++
		}
		s.extendIn(ctx, i, rs, todo[:n], errs)
		todo = todo[n:]
	}
	return sent, some(errs)
}

// extendIn extends the leases at the indices in which, all of state file i.
func (s *Store) extendIn(ctx context.Context, i int, rs []driver.Request, which []int, errs []error) {
	err := s.visit(ctx, i, func(v *visit) error {
		for _, at := range which {
			r := &rs[at]
			n := name{r.Key, r.Owner}
			e, err := v.entry(r.Key)
			if err != nil {
				return err
			}
			h := v.owned(e, r)
			if h == nil {
				errs[at] = driver.ErrNotHeld
				continue
			}
			h.until = after(v.now, r.Lease)
			v.dirty = true
			until := h.until
			v.saved = append(v.saved, func() { s.prolong(i, n, until) })
		}
		return nil
	})
	if err != nil {
		for _, at := range which {
			errs[at] = err
		}
	}
}

// owned returns the lease that r names, as it was granted: an owner has none in
// another mode. If the owner has none at all, who listens is told of the loss.
func (v *visit) owned(e *entry, r *driver.Request) *holding {
	h := e.holding(r.Owner)
	if h == nil {
		v.s.lose(v.i, name{r.Key, r.Owner}, v.now)
		return nil
	}
	if h.mode != r.Mode {
		return nil
	}
	return h
}

// some returns errs, or nil if all are nil.
func some(errs []error) []error {
	if slices.ContainsFunc(errs, func(err error) bool { return err != nil }) {
		return errs
	}
	return nil
}
