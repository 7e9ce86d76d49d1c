package drivertest

import (
	"context"
	"fmt"
	"sync"

	"github.com/concurrent-go/concurrent/driver"
)

var crowds = []promised{
	{"a crowd that waits for one key is served, one at a time", crowdOnOneKey},
	{"a crowd that waits for as many keys is served", crowdOnManyKeys},
}

func crowdOnOneKey(s *scene) {
	stores := []driver.Store{s.open(), s.open()}
	s.waiter(stores[0])
	holder := s.request("k")
	held := s.take(stores[0], holder)
	var g guard
	g.last.Store(held.Token + uint64(held.Spare))
	// The bound is for a store that has lost somebody, not for one that is slow.
	ctx, cancel := context.WithTimeout(s.ctx, 10*s.h.Patience)
	defer cancel()
	var wg sync.WaitGroup
	for i := range s.h.Waiters {
		wg.Go(func() {
			st, r := stores[i%2], s.request("k")
			grant, err := st.(driver.Waiter).Acquire(ctx, r)
			if err != nil {
				s.broken("Acquire: %v", err)
				return
			}
			g.pass(s, grant)
			if err := st.Release(s.ctx, r); err != nil {
				s.broken("Release: %v", err)
			}
		})
	}
	s.giveBack(stores[0], holder)
	wg.Wait()
	if n := g.entered.Load(); n != int64(s.h.Waiters) {
		s.broken("%d of %d were served", n, s.h.Waiters)
	}
	s.free(stores[1], "k")
}

func crowdOnManyKeys(s *scene) {
	st := s.open()
	s.waiter(st)
	limit := s.h.Waiters
	if most := st.Features().MaxHeld; most > 0 {
		limit = min(limit, most/4)
	}
	holders := make([]driver.Request, limit)
	for i := range holders {
		holders[i] = s.request(fmt.Sprint("key ", i))
		s.take(st, holders[i])
	}
	all := make([]*waiting, limit)
	for i := range all {
		all[i] = s.start(st, s.request(fmt.Sprint("key ", i)))
	}
	for _, r := range holders {
		s.giveBack(st, r)
	}
	for _, w := range all {
		s.granted(w)
	}
}
