package file

import (
	"context"
	"fmt"
	"time"

	"github.com/concurrent-go/concurrent/driver"
)

// A visit is one change of a state file: enter, read, change, write, leave.
type visit struct {
	s    *Store
	i    int
	sh   *shard
	sent time.Time // before entering
	now  int64     // store's clock

	open   []*entry // asked for, decoded
	dirty  bool     // the state changed
	grants []delivery
	pokes  []seat   // whom to call after leaving
	saved  []func() // what to do once the state is written, before leaving

	lives []life // what alive found out
}

type life struct {
	seat  seat
	alive bool
}

// A delivery is the result of somebody who waits.
type delivery struct {
	w *waiter
	result
	until int64
}

// visit enters state file i and has fn change it. What fn changed is written
// also if it returns an error, which is returned; if writing fails nothing was
// changed.
func (s *Store) visit(ctx context.Context, i int, fn func(*visit) error) error {
	return s.visitUntil(ctx, s.closing, i, fn)
}

func (s *Store) visitUntil(ctx context.Context, closing <-chan struct{}, i int, fn func(*visit) error) error {
	v := &visit{s: s, i: i, sh: &s.place.shards[i], sent: time.Now()}
	if err := v.sh.enter(ctx, closing); err != nil {
		return err
	}
	defer v.tell()
	defer v.sh.leave()
	err := s.place.check()
	if err == nil {
		err = v.load()
	}
	if err != nil {
		return err
	}
	err = fn(v)
	if serr := v.finish(); serr != nil {
		return serr
	}
	return err
}

func (v *visit) load() error {
	if err := v.sh.load(); err != nil {
		return err
	}
	v.now = bootTime()
	im := &v.sh.im
	if im.boot == v.s.place.boot {
		return nil
	}
	var err error
	if v.open, err = im.afterBoot(v.s.place.boot, v.now, time.Now()); err != nil {
		return damaged(v.sh.data, err)
	}
	return nil
}

// entry returns what the state says of key now: without those who are gone,
// and with those called who may go.
func (v *visit) entry(key string) (*entry, error) {
	for _, e := range v.open {
		if e.key == key {
			v.settle(e)
			return e, nil
		}
	}
	im := &v.sh.im
	for i := range im.parked {
		if string(im.parked[i].key) != key {
			continue
		}
		e, err := im.parked[i].decode()
		if err != nil {
			return nil, damaged(v.sh.data, err)
		}
		last := len(im.parked) - 1
		im.parked[i] = im.parked[last]
		im.parked = im.parked[:last]
		v.open = append(v.open, e)
		v.settle(e)
		return e, nil
	}
	e := &entry{key: key}
	v.open = append(v.open, e)
	return e, nil
}

func (v *visit) alive(s seat) bool {
	if s == v.s.seat {
		return true
	}
	for _, l := range v.lives {
		if l.seat == s {
			return l.alive
		}
	}
	alive := v.s.place.alive(s)
	v.lives = append(v.lives, life{s, alive})
	return alive
}

// settle removes from e who is gone and calls who may go. Those who wait in
// this store get their grant at once.
func (v *visit) settle(e *entry) {
	changed := e.purge(v.now, v.s.seat, v.alive)
	changed = e.back(v.s.seat) || changed
	for i := 0; i < len(e.line); {
		w := &e.line[i]
		mine := w.seat == v.s.seat
		switch {
		case mine && !v.s.waits(v.i, w.owner):
			e.line = append(e.line[:i], e.line[i+1:]...)
			changed = true
			continue
		case w.passed, !mine && w.called != 0:
			i++
			continue
		case !e.admits(w.mode, w.owner) && e.holding(w.owner) == nil:
			v.dirty = v.dirty || changed
			return
		case mine:
			v.deliver(e, i)
		default:
			w.called = v.now + int64(callTime)
			v.pokes = append(v.pokes, w.seat)
			i++
		}
		changed = true
	}
	v.dirty = v.dirty || changed
}

// deliver grants the key to e.line[i], who waits in this store: once more, if its
// owner waited twice and holds it already.
func (v *visit) deliver(e *entry, i int) {
	w := v.s.take(v.i, e.line[i].owner)
	e.line = append(e.line[:i], e.line[i+1:]...)
	if w == nil {
		return // gave up
	}
	give := func() (driver.Grant, int64, error) { return v.grant(e, &w.req) }
	if h := e.holding(w.req.Owner); h != nil {
		give = func() (driver.Grant, int64, error) { return v.again(h, &w.req) }
	}
	g, until, err := give()
	v.dirty = true
	v.grants = append(v.grants, delivery{w, result{g, err}, until})
}

// grant adds a holding for r to e.
func (v *visit) grant(e *entry, r *driver.Request) (driver.Grant, int64, error) {
	now := uint64(min(max(time.Now().UnixMicro(), 0), 1<<52)) << 10
	token := max(v.sh.im.last+1, now)
	if token > maxToken-spare {
		return driver.Grant{}, 0, fmt.Errorf("%w: state file %s has no more tokens", driver.ErrUnavailable, v.sh.data)
	}
	v.sh.im.last = token + spare
	until := after(v.now, r.Lease)
	e.holdings = append(e.holdings, holding{
		owner: r.Owner, mode: r.Mode, seat: v.s.seat, token: token,
		since: time.Now().UnixNano(), until: until, who: r.Holder,
	})
	v.dirty = true
	return driver.Grant{Token: token, Spare: spare, Sent: v.sent}, until, nil
}

// finish writes the state if it changed, and tells whom it concerns.
func (v *visit) finish() error {
	for _, e := range v.open {
		v.settle(e)
	}
	if !v.dirty {
		return nil
	}
	err := v.sh.save(v.encode())
	for i := range v.grants {
		d := &v.grants[i]
		n := name{d.w.req.Key, d.w.req.Owner}
		switch {
		case err != nil:
			v.s.behind(v.i, n)
			d.result = result{err: err}
		case d.err == nil:
			v.s.hold(v.i, n, d.until)
		}
	}
	if err != nil {
		v.pokes = nil
		return err
	}
	for _, f := range v.saved {
		f()
	}
	return nil
}

// tell says what came of the visit to those who wait: after leaving, since a
// process may be frozen because of what it hears.
func (v *visit) tell() {
	for _, d := range v.grants {
		d.w.done <- d.result
	}
	for _, s := range v.pokes {
		v.s.place.call(s, v.i)
	}
}

func (v *visit) encode() []byte {
	sh := v.sh
	sh.im.boot, sh.im.at, sh.im.wall = v.s.place.boot, v.now, time.Now().UnixNano()
	b := sh.im.appendHeader(sh.out[:0])
	for i := range sh.im.parked {
		if p := &sh.im.parked[i]; p.ends > v.now {
			b = append(b, p.raw...)
		}
	}
	for _, e := range v.open {
		if len(e.holdings) > 0 || len(e.line) > 0 {
			b, sh.scratch = e.append(b, sh.scratch)
		}
	}
	sh.out = seal(b)
	return sh.out
}
