package locks

import (
	"context"
	"time"

	"github.com/concurrent-go/concurrent/driver"
)

// check looks whether those who are active on a key may be so together. What a
// broken promise of the server explains, a flush or an administrator's Break,
// is passed over: but for the token, which still tells who came later.
// w.mu is held.
func (w *world) check(key string) {
	var active []*actor
	for _, a := range w.holders[key] {
		if a.dead.Err() == nil && a.active() {
			active = append(active, a)
		}
	}
	permits := 0
	for i, a := range active {
		from := w.origin(key, a.token)
		for _, b := range active[:i] {
			other := w.origin(key, b.token)
			if a.token == b.token && a.mode == driver.Exclusive {
				w.wrong("%s and %s hold %s with one token, %d", b.name, a.name, key, a.token)
			}
			if from.epoch != other.epoch || from.broken || other.broken {
				continue
			}
			if a.mode.Excludes(b.mode) {
				w.wrong("%s (%v, token %d) and %s (%v, token %d) are active on %s at once",
					b.name, b.mode, b.token, a.name, a.mode, a.token, key)
			}
			if a.mode == driver.Exclusive && a.token < b.token {
				w.wrong("%s got %s with token %d, after %s with token %d", a.name, key, a.token, b.name, b.token)
			}
		}
		if a.mode.Slots() > 0 && !from.broken && from.epoch == w.epoch {
			permits++
		}
	}
	if permits > 2 {
		w.wrong("%d hold the two permits of %s", permits, key)
	}
}

// checkEntry looks whether one who was just given a lock is active, and has a
// larger token than those before. w.mu is held.
func (w *world) checkEntry(a *actor) {
	from := w.origin(a.key, a.token)
	if from.broken || from.epoch != w.epoch || a.dead.Err() != nil {
		return
	}
	if !a.active() {
		w.wrong("%s was given %s with token %d when the lease was over", a.name, a.key, a.token)
	}
	if a.mode != driver.Exclusive {
		return
	}
	last := w.entered[a.key]
	if before := w.origin(a.key, last); last >= a.token && !before.broken && before.epoch == from.epoch {
		w.wrong("%s was given %s with token %d after %d", a.name, a.key, a.token, last)
	}
	w.entered[a.key] = a.token
}

// asleep is for how long a key may be free on the server while somebody waits
// for it: two slow messages and a lost one, and a look of who can't be woken.
const asleep = 8 * time.Second

// checkSleepers looks for waiters of keys that are free.
func (w *world) checkSleepers() {
	for _, key := range []string{"exclusive", "other", "shared", "permits"} {
		info, err := w.store().Inspect(context.Background(), key)
		if err != nil {
			continue // the server was exchanged at this moment
		}
		w.mu.Lock()
		now := time.Now()
		if len(info.Holders) > 0 || w.free[key].IsZero() {
			w.free[key] = now
		}
		for _, a := range w.waiting[key] {
			awake := a.cutUntil().Add(asleep)
			if a.dead.Err() == nil && now.Sub(a.since) > asleep && now.Sub(w.free[key]) > asleep && now.After(awake) {
				w.wrong("%s has waited for %s for %v, which is free since %v", a.name, key, now.Sub(a.since), w.free[key].Sub(w.began))
			}
		}
		w.mu.Unlock()
	}
}

// checkStranded looks for what living processes hold on the server, when
// nobody there holds anything.
func (w *world) checkStranded(processes []*process) {
	alive := make(map[string]bool)
	for _, p := range processes {
		alive[p.name] = p.alive
	}
	for info, err := range w.store().List(context.Background(), "") {
		if err != nil {
			w.t.Error(err)
		}
		w.mu.Lock()
		for _, h := range info.Holders {
			if alive[h.Holder.Label] {
				w.wrong("%s is still held by %s, where nobody holds it: %+v", info.Key, h.Holder.Label, h)
			}
		}
		w.mu.Unlock()
	}
}
