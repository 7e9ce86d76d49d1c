package drivertest

import (
	"fmt"
	"slices"
	"time"

	"github.com/concurrent-go/concurrent/driver"
)

var inspecting = []promised{
	{"Inspect shows who holds a key, in which mode, with which token, since when and until when", inspectHolder},
	{"Inspect of a free key shows no holders and is no error", inspectFree},
	{"Inspect shows every reader, and how many wait", inspectMany},
	{"Inspect shows who waits in the order in which they came, where it shows them", inspectQueue},
	{"Inspect shows every permit with the n that it was asked for", inspectSizes},
	{"Inspect shows a lease without end as one", inspectForever},
	{"List yields the held keys with a prefix, and no others", listPrefix},
	{"List can be left before its end", listLeft},
}

var breaking = []promised{
	{"Break ends every lease, and tells whom it broke", breakAll},
	{"Break of a free key is ErrNotHeld", breakFree},
	{"after a Break the holder can neither extend nor release", brokenHolder},
}

var losing = []promised{
	{"a holder is told of a Break through another store, once", toldOfBreak},
	{"nobody is told of a release, a keep, an expiry or a close", notTold},
	{"nobody is told after stop", notToldAfterStop},
}

func (s *scene) inspector(st driver.Store) driver.Inspector {
	s.t.Helper()
	i, ok := st.(driver.Inspector)
	if !ok {
		s.t.Skip("this store has no driver.Inspector")
	}
	if _, err := i.Inspect(s.ctx, "k"); err != nil {
		s.unsupported(err)
		s.fatal("Inspect of a free key: %v", err)
	}
	return i
}

// clockSlack is how much a server's clock and ours may differ when moments of
// one are told on the other.
const clockSlack = 2 * time.Second

func inspectHolder(s *scene) {
	st := s.open()
	i := s.inspector(s.open())
	r := s.request("k")
	before := time.Now()
	g := s.take(st, r)
	info, err := i.Inspect(s.ctx, "k")
	if err != nil {
		s.fatal("Inspect: %v", err)
	}
	if info.Key != "k" || len(info.Holders) != 1 {
		s.fatal("Inspect of a key that one holds: %+v", info)
	}
	h := info.Holders[0]
	if h.Holder != r.Holder || h.Mode != r.Mode || h.Token != g.Token {
		s.broken("held by %+v with token %d, shown is %+v", r, g.Token, h)
	}
	if !h.Since.IsZero() && (h.Since.Before(before.Add(-clockSlack)) || h.Since.After(time.Now().Add(clockSlack))) {
		s.broken("held since %v, shown is %v", before, h.Since)
	}
	if h.Until.Before(before.Add(long-clockSlack)) || h.Until.After(time.Now().Add(long+clockSlack)) {
		s.broken("held until %v, shown is %v", before.Add(long), h.Until)
	}
	s.giveBack(st, r)
}

func inspectFree(s *scene) {
	st := s.open()
	i := s.inspector(st)
	s.free(st, "k")
	s.ended(st, "ended")
	for _, key := range []string{"never held", "k", "ended"} {
		info, err := i.Inspect(s.ctx, key)
		if err != nil || len(info.Holders) != 0 || info.Key != key || info.Waiters > 0 {
			s.broken("Inspect of %s: %+v, %v", show(key), info, err)
		}
	}
}

func inspectMany(s *scene) {
	st := s.open()
	i := s.inspector(st)
	var given []uint64
	for range 3 {
		given = append(given, s.take(st, in(driver.Shared, s.request("k"))).Token)
	}
	info, err := i.Inspect(s.ctx, "k")
	if err != nil || len(info.Holders) != 3 {
		s.fatal("Inspect of a key with three readers: %+v, %v", info, err)
	}
	for _, h := range info.Holders {
		if h.Mode != driver.Shared || !slices.Contains(given, h.Token) {
			s.broken("a reader with one of the tokens %v is shown as %+v", given, h)
		}
	}
	if info.Waiters == -1 {
		return
	}
	if info.Waiters != 0 {
		s.broken("%d waiters are shown, nobody waits", info.Waiters)
	}
	s.waiter(st)
	w := s.start(st, s.request("k"))
	s.soon("Inspect shows the one who waits", func() bool { return s.waitersOf(st, "k") == 1 })
	w.cancel()
	s.returns(w)
}

func inspectQueue(s *scene) {
	st := s.open()
	i := s.inspector(st)
	s.waiter(st)
	s.take(st, lasting(long, s.request("k")))
	var came []driver.Request
	for n := range 3 {
		r := lasting(long, s.request("k"))
		r.Holder.Label = fmt.Sprint("waits ", n)
		came = append(came, r)
		s.wait(st, r)
	}
	info, err := i.Inspect(s.ctx, "k")
	if err != nil {
		s.fatal("Inspect: %v", err)
	}
	if info.Queue == nil {
		s.t.Skip("this store does not know who waits")
	}
	if len(info.Queue) != len(came) {
		s.fatal("%d wait, the queue is shown as %+v", len(came), info.Queue)
	}
	for n, shown := range info.Queue {
		if shown.Holder != came[n].Holder || shown.Mode != came[n].Mode || shown.Since.IsZero() || shown.Token != 0 {
			s.broken("the waiter %+v is shown as %+v", came[n].Holder, shown)
		}
	}
}

func inspectForever(s *scene) {
	st := s.open()
	i := s.inspector(st)
	s.take(st, lasting(driver.Forever, s.request("k")))
	info, err := i.Inspect(s.ctx, "k")
	if err != nil || len(info.Holders) != 1 || !info.Holders[0].Until.IsZero() {
		s.broken("Inspect of a lease without end: %+v, %v; Until must be the zero time", info, err)
	}
}

func listPrefix(s *scene) {
	st := s.open()
	i := s.inspector(st)
	var want []string
	for n := range 20 {
		key := fmt.Sprintf("a:*?[%d]", n)
		s.take(st, s.request(key))
		want = append(want, key)
	}
	s.take(st, s.request("b:1"))
	s.take(st, s.request("A:1"))
	s.free(st, "a:*?[free]")
	s.lists(i, "a:*?[", want)
	s.lists(i, "", append(slices.Clone(want), "b:1", "A:1"))
	s.lists(i, "nothing", nil)
}

// lists checks which keys List yields.
func (s *scene) lists(i driver.Inspector, prefix string, want []string) {
	s.t.Helper()
	var got []string
	for info, err := range i.List(s.ctx, prefix) {
		if err != nil {
			s.fatal("List(%q): %v", prefix, err)
		}
		if len(info.Holders) == 0 {
			s.broken("List(%q) yields %s, which nobody holds", prefix, show(info.Key))
		}
		got = append(got, info.Key)
	}
	slices.Sort(got)
	want = slices.Sorted(slices.Values(want))
	if !slices.Equal(got, want) {
		s.broken("List(%q) yields %q, held are %q", prefix, got, want)
	}
}

func listLeft(s *scene) {
	st := s.open()
	i := s.inspector(st)
	for n := range 5 {
		s.take(st, s.request(fmt.Sprint(n)))
	}
	seen := 0
	for _, err := range i.List(s.ctx, "") {
		if err != nil {
			s.fatal("List: %v", err)
		}
		if seen++; seen == 2 {
			break
		}
	}
	if seen != 2 {
		s.broken("%d keys were seen before the loop was left at the second", seen)
	}
	s.free(st, "afterwards")
}

func (s *scene) breaks(i driver.Inspector, key string) driver.Info {
	s.t.Helper()
	info, err := i.Break(s.ctx, key)
	if err != nil {
		s.unsupported(err)
		s.fatal("Break: %v", err)
	}
	return info
}

func breakAll(s *scene) {
	st, other := s.open(), s.open()
	i := s.inspector(other)
	for _, mode := range []driver.Mode{driver.Exclusive, driver.Shared, driver.Slots(3)} {
		n := 2
		if mode == driver.Exclusive {
			n = 1
		}
		for range n {
			s.take(st, lasting(driver.Forever, in(mode, s.request("k"))))
		}
		info := s.breaks(i, "k")
		if info.Key != "k" || len(info.Holders) != n {
			s.broken("%v: %d held, Break tells of %+v", mode, n, info)
		}
		s.free(st, "k")
	}
}

func breakFree(s *scene) {
	st := s.open()
	i := s.inspector(st)
	_, err := i.Break(s.ctx, "k")
	s.unsupported(err)
	s.want("Break of a free key", err, driver.ErrNotHeld)
}

func brokenHolder(s *scene) {
	st := s.open()
	i := s.inspector(st)
	r := s.request("k")
	s.take(st, r)
	s.breaks(i, "k")
	_, err := st.Extend(s.ctx, r)
	s.want("Extend after a Break", err, driver.ErrNotHeld)
	s.want("Release after a Break", st.Release(s.ctx, r), driver.ErrNotHeld)
	next := s.request("k")
	s.take(st, next)
	s.want("Release after a Break, the key being another's", st.Release(s.ctx, r), driver.ErrNotHeld)
	s.giveBack(st, next)
}

// heard listens to the losses of a store.
func (s *scene) heard(st driver.Store) (<-chan driver.Loss, func()) {
	s.t.Helper()
	n, ok := st.(driver.Notifier)
	if !ok {
		s.t.Skip("this store has no driver.Notifier")
	}
	losses := make(chan driver.Loss, 100)
	stop := n.NotifyLost(func(l driver.Loss) { losses <- l })
	s.t.Cleanup(stop)
	return losses, stop
}

func toldOfBreak(s *scene) {
	st, other := s.open(), s.open()
	losses, _ := s.heard(st)
	i := s.inspector(other)
	r := s.request("k")
	s.take(st, r)
	s.breaks(i, "k")
	select {
	case l := <-losses:
		if l.Key != "k" || l.Owner != r.Owner {
			s.broken("%s lost %s, told is %+v", r.Owner, show("k"), l)
		}
	case <-time.After(s.h.Patience):
		s.fatal("nobody was told within %v", s.h.Patience)
	}
	s.silent(losses)
}

// silent checks that nobody is told anything for a while.
func (s *scene) silent(losses <-chan driver.Loss) {
	s.t.Helper()
	select {
	case l := <-losses:
		s.broken("told of %+v", l)
	case <-time.After(s.h.Lease / 2):
	}
}

func notTold(s *scene) {
	st := s.open()
	losses, _ := s.heard(st)
	s.free(st, "released")
	s.ended(st, "ended")
	if k, ok := st.(driver.Keeper); ok {
		r := s.request("kept")
		s.take(st, r)
		if err := k.Keep(s.ctx, lasting(time.Millisecond, r)); err != nil {
			s.unsupported(err)
			s.broken("Keep: %v", err)
		}
	}
	s.take(st, s.request("closed"))
	if err := st.Close(); err != nil {
		s.broken("Close: %v", err)
	}
	s.silent(losses)
}

func notToldAfterStop(s *scene) {
	st := s.open()
	losses, stop := s.heard(st)
	i := s.inspector(st)
	s.take(st, s.request("k"))
	stop()
	s.breaks(i, "k")
	s.silent(losses)
}
