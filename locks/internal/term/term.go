// Package term knows, for the lease of one owner, which requests its store has
// carried out and which may still reach it. All that is to be known of the lease
// follows from these: until when its holder may count on it, how long the store
// may hold it, and whether it may be passed on.
//
// A request whose answer never came may arrive after later ones: a kernel goes on
// sending what a closed connection left unacknowledged. So a request counts from
// when it is sent until it can have no effect any more:
//
//	        Send(r)                       Confirm(r)                      Send(r2)
//	settled ───────────► in flight ───────────────────────────► settled ───────────► …
//	                        │ Lost: no answer in time               ▲ drops each request that
//	                        ▼                                       │ was answered before r left
//	                      unknown ── it can travel no more, or Refuse ─┘
package term

import (
	"slices"
	"time"

	"github.com/concurrent-go/concurrent/internal/clock"
	"github.com/concurrent-go/concurrent/locks/internal/deadline"
)

// Travel is for how long a request whose answer never came may still arrive.
// Linux goes on sending for a closed connection for about 100 s
// (tcp_orphan_retries in tcp(7)).
const Travel = 2 * time.Minute

// A Request asks for a lease.
type Request struct {
	Sent   clock.Instant // just before it left
	Length time.Duration // what the store is asked for
	Use    time.Duration // how much of that the holder is to have; Length at most
}

// end is until when a holder may count on r if it reaches the store at from, or
// later.
func (r Request) end(from clock.Instant) deadline.End { return deadline.Of(from, r.Use) }

// An ID names a request of a Term from Send until it is confirmed, refused or lost,
// which it is to be once; later another may have it. 0 names none.
type ID uint16

// open is a request that may have been carried out after the confirmed one.
type open struct {
	Request
	id       ID    // 0: it is answered, or nobody waits for the answer
	done     bool  // it was confirmed
	answered int64 // when that was heard, or nobody waited for it any more, Mono
	lost     bool  // nobody does
	newest   int64 // of a lost one: when the last left that it counts for, Mono
}

// A Term is what is known of one lease. It is not safe for concurrent use, and can
// be copied: the copy shares nothing that changes.
type Term struct {
	confirmed Request    // the one that left last of those that were carried out
	unsettled *unsettled // replaced, never changed, so that a Term can be copied; nil: nothing is
}

// unsettled is what is known besides while a request is open.
type unsettled struct {
	open     []open
	answered int64 // when the confirmed request was heard of, or before any that is open left, Mono
}

// Granted returns the term of a lease that the store granted, as is known before
// any other request leaves.
func Granted(r Request) Term { return Term{confirmed: r} }

// all returns the open requests.
func (t *Term) all() []open {
	if t.unsettled == nil {
		return nil
	}
	return t.unsettled.open
}

// answered is when the confirmed request was heard of, as far as it matters.
func (t *Term) answered() int64 {
	if t.unsettled == nil {
		return t.confirmed.Sent.Mono
	}
	return t.unsettled.answered
}

func (t *Term) set(all []open, answered int64) {
	if t.unsettled = nil; len(all) > 0 {
		t.unsettled = &unsettled{all, answered}
	}
}

// Confirmed returns the request that left last of those that were confirmed.
func (t *Term) Confirmed() Request { return t.confirmed }

// Send notes that r leaves now.
func (t *Term) Send(r Request) ID {
	id := ID(1)
	for slices.ContainsFunc(t.all(), func(o open) bool { return o.id == id }) {
		id++
	}
	t.set(append(slices.Clip(t.all()), open{Request: r, id: id}), t.answered())
	return id
}

// Confirm notes that the store carried the request out, which left at sent, and
// said so now. With ordered, no request can overtake another: what was given up before
// this one left has had its effect, or has none.
func (t *Term) Confirm(id ID, sent, now clock.Instant, ordered bool) {
	r, rest := t.take(id)
	if r == nil {
		return
	}
	r.id, r.Sent, r.done, r.answered = 0, sent, true, now.Mono
	answered := t.answered()
	newer := open{Request: t.confirmed, done: true, answered: answered}
	if sent.Mono < t.confirmed.Sent.Mono {
		newer = *r
	} else {
		t.confirmed, answered = r.Request, r.answered
	}
	// Two that were under way at one time were carried out in an order that
	// nobody knows.
	rest = append(rest, newer)
	left := t.confirmed.Sent.Mono
	t.set(slices.DeleteFunc(rest, func(o open) bool {
		switch {
		case o.done:
			return o.answered <= left || ordered && o.Sent.Mono <= left
		case o.lost:
			return ordered && o.answered <= left || left-o.newest > int64(Travel)
		}
		return false
	}), answered)
}

// Refuse notes that the store did not carry the request out and never will.
func (t *Term) Refuse(id ID) {
	if r, rest := t.take(id); r != nil {
		t.set(rest, t.answered())
	}
}

// Lost notes that the answer to the request will not be heard: who waited for it gives
// up now.
func (t *Term) Lost(id ID, now clock.Instant) {
	r, rest := t.take(id)
	if r == nil {
		return
	}
	r.id, r.lost, r.newest, r.answered = 0, true, r.Sent.Mono, now.Mono
	// Of lost requests one counts for all that left later and ask for no less.
	i := slices.IndexFunc(rest, func(o open) bool {
		return o.lost && o.Sent.Mono <= r.Sent.Mono && o.Use <= r.Use && o.Length >= r.Length
	})
	if i < 0 {
		rest = append(rest, *r)
	} else {
		rest[i].newest, rest[i].answered = max(rest[i].newest, r.newest), max(rest[i].answered, r.answered)
	}
	t.set(rest, t.answered())
}

// take returns the request and the others, in memory of their own.
func (t *Term) take(id ID) (*open, []open) {
	i := slices.IndexFunc(t.all(), func(o open) bool { return o.id == id })
	if id == 0 || i < 0 {
		return nil, nil
	}
	r := t.all()[i]
	if len(t.all()) == 1 {
		return &r, nil
	}
	return &r, slices.Delete(slices.Clone(t.all()), i, i+1)
}

// Deadline is until when the holder may count on the lease, whichever of the open
// requests arrive, and in whatever order.
func (t *Term) Deadline() deadline.End {
	end := t.confirmed.end(t.confirmed.Sent)
	for _, o := range t.all() {
		from := o.Sent
		if from.Mono < t.confirmed.Sent.Mono {
			from = t.confirmed.Sent
		}
		end = end.Earlier(o.end(from))
	}
	return end
}

// Shortest is the shortest part for its holder that a request asked for which may
// be carried out last: a lease is to be renewed as if it were that long.
func (t *Term) Shortest() time.Duration {
	d := t.confirmed.Use
	for _, o := range t.all() {
		d = min(d, o.Use)
	}
	return d
}

// Longest is the longest lease that the store may hold.
func (t *Term) Longest() time.Duration {
	d := t.confirmed.Length
	for _, o := range t.all() {
		d = max(d, o.Length)
	}
	return d
}

// Settled reports whether no request may still arrive, or was carried out in an
// order that nobody knows. Only such a lease may be passed on.
func (t *Term) Settled() bool { return t.unsettled == nil }
