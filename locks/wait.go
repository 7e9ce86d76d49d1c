package locks

import (
	"context"
	"errors"
	"time"

	"github.com/concurrent-go/concurrent/driver"
	"github.com/concurrent-go/concurrent/internal/backoff"
	"github.com/concurrent-go/concurrent/internal/clock"
	"github.com/concurrent-go/concurrent/locks/internal/term"
	"github.com/concurrent-go/concurrent/locks/internal/waitline"
)

var (
	errWaitOver = errors.New("the wait is over")
	errNoAnswer = errors.New("the store did not answer within the wait")
)

// lately is how long before the end of a wait the store may have said that the key is
// held, for the wait to end with that.
const lately = 2 * time.Second

// wait waits in line for the key and returns when a lease is handed to it, the store
// granted one, or the wait is over. Whatever happens, no waiter of it stays in the line:
// those behind it would never have their turn.
func (a *attempt) wait(rl *resolvedLock) (*lease, error) {
	a.waited = true
	w := &waitCall{attempt: *a, rl: rl, joined: clock.Mono()}
	c := rl.client
	c.counts.waiting.Add(1)
	defer func() {
		c.counts.waiting.Add(-1)
		if w.calls != nil {
			w.calls.done()
		}
	}()
	if rl.mode != driver.Exclusive && c.lines.Empty(rl.key, rl.mode) {
		// Calls that can have the key together ask together.
		if l, err := w.tryOnce(); l != nil || !errors.Is(err, driver.ErrHeld) && !isOutage(err) {
			return l, err
		}
	}
	defer w.quit()
	w.waiter.Init(w)
	for {
		l, err := w.join()
		if l != nil || err != nil {
			return l, err
		}
	}
}

// callContext returns the context of w's requests. It is made with the first: a waiter
// that is handed a lease needs none.
func (w *waitCall) callContext() context.Context {
	if w.calls == nil {
		calls, cancel := context.WithCancelCause(w.ctx)
		stop := context.AfterFunc(w.rl.client.closing, func() { cancel(ErrClosed) })
		w.calls = &storeCalls{ctx: calls, done: func() {
			stop()
			cancel(nil)
		}}
	}
	return w.calls.ctx
}

// tryOnce asks the store once, before w joins the line.
func (w *waitCall) tryOnce() (*lease, error) {
	c := w.rl.client
	r := w.rl.request()
	g, err := w.try(w.callContext(), r)
	switch {
	case err == nil:
		var l *lease
		if l, err = w.rl.newLease(&w.attempt, r, g, nil); !isLate(err) {
			return l, err
		}
	case !isDefinite(err):
		c.giveBack(r)
	}
	w.calls.word = err
	switch {
	case c.closing.Err() != nil:
		return nil, withCause(ErrLockAcquire, ErrClosed)
	case w.ctx.Err() != nil:
		return nil, w.over(ended(w.ctx))
	}
	if errors.Is(err, driver.ErrHeld) || isOutage(err) {
		return nil, err
	}
	return nil, withCause(ErrLockAcquire, err)
}

// join waits in the line, and returns what comes of it: neither a lease nor an error if
// the lease that was handed to it was lost on the way.
func (w *waitCall) join() (*lease, error) {
	c := w.rl.client
	ln, ask := c.lines.Join(w.rl.key, w.rl.mode, &w.waiter)
	if ln == nil {
		return nil, withCause(ErrLockAcquire, ErrClosed)
	}
	w.line = ln
	if ask {
		return w.ask()
	}
	w.tellWaiting(c)
	notice, err := w.turn()
	if err != nil {
		return nil, err
	}
	switch notice.Turn {
	case waitline.Ask:
		return w.ask()
	case waitline.Closed:
		w.line = nil
		return nil, withCause(ErrLockAcquire, ErrClosed)
	}
	w.line = nil
	return w.takeOver(notice.Lease)
}

// turn waits for w's turn, or the end of its wait.
func (w *waitCall) turn() (waitline.Notice[*lease], error) {
	if w.until == 0 && w.ctx.Done() == nil {
		return <-w.waiter.Notice, nil
	}
	var over <-chan time.Time
	if w.until != 0 {
		timer := time.NewTimer(w.left())
		defer timer.Stop()
		over = timer.C
	}
	select {
	case notice := <-w.waiter.Notice:
		return notice, nil
	case <-w.ctx.Done():
		return waitline.Notice[*lease]{}, w.over(ended(w.ctx))
	case <-over:
		return waitline.Notice[*lease]{}, w.over(nil)
	}
}

// quit leaves the line. A lease that is handed to w at that moment goes to the next.
func (w *waitCall) quit() {
	if w.line == nil {
		return
	}
	if l := w.line.Quit(&w.waiter); l != nil {
		l.handOffOrRelease()
	}
}

// heard notes what was heard of the key, for every waiter in the line.
func (w *waitCall) heard(err error) {
	w.calls.word = err
	w.line.Heard(err)
}

// heardHeld is heard for a refusal. One that names no holder does not replace one that
// does.
func (w *waitCall) heardHeld(err error) {
	if held, says := errors.AsType[*driver.HeldError](err); says {
		w.heard(held)
	} else if _, said := errors.AsType[*driver.HeldError](w.lastWord()); !said {
		w.heard(driver.ErrHeld) // without what ended the call
	}
}

// over returns the error of a wait that ended: by ctx, with why, or by its length if
// why is nil. It is ErrLockActive only where the store, or a holder in this process,
// said that the key is held: an outage is no contention.
func (w *waitCall) over(why error) error {
	var word error
	if w.calls != nil {
		word = w.calls.word
	}
	if w.line != nil {
		if held := w.lastWord(); held != nil {
			word = held
		}
	}
	var err error
	switch {
	case errors.Is(word, driver.ErrHeld):
		err = withCause(ErrLockActive, word)
	case word != nil:
		err = withCause(ErrLockAcquire, withCause(ErrUnavailable, word))
	default:
		err = withCause(ErrLockAcquire, withCause(ErrUnavailable, errNoAnswer))
	}
	if why != nil {
		err = withCause(err, why)
	}
	return err
}

// lastWord returns what the line knows of the key, nil if that is nothing or too old.
func (w *waitCall) lastWord() error {
	holder, word := w.line.Says()
	if holder != nil && holder.active() {
		return &driver.HeldError{
			For: holder.remaining(), Holder: w.rl.client.holder(holder.options),
			Since: time.Now().Add(-holder.heldFor()),
		}
	}
	return recent(word, w.joined)
}

// recent returns what word says, nil if that is nothing, or too old for a wait that
// began then.
func recent(word waitline.Word, began int64) error {
	if word.Current || word.At >= began || clock.Mono()-word.At < int64(lately) {
		return word.Err
	}
	return nil
}

// isLate reports whether err is of a grant that came after its lease, and was given
// back. The wait goes on.
func isLate(err error) bool { return errors.Is(err, errLate) }

// isOutage reports whether err says that the store can't be had now. The wait goes on.
func isOutage(err error) bool {
	return err != nil && !isDefinite(err) && !errors.Is(err, ErrUnfit) && !errors.Is(err, ErrLockAcquire)
}

// ask asks the store, as the head of the line, until it grants the key or the wait is
// over: it outlives an outage.
func (w *waitCall) ask() (*lease, error) {
	c := w.rl.client
	pause := backoff.Backoff{First: askFirst, Most: askMost, Seed: backoff.Seed(w.lock.key)}
	for {
		r := w.rl.request()
		g, err := w.askStore(r)
		switch {
		case err == nil:
			l, err := w.granted(r, g)
			if isLate(err) {
				err = w.goBack(err)
			}
			return l, err
		case !isDefinite(err):
			c.giveBack(r)
		}
		if err := w.mayAskAgain(err); err != nil {
			return nil, err
		}
		w.pause(c, min(pause.Next(), w.left()))
	}
}

// goBack has w stand in the line anew, as the last, after a grant that came too late: its
// lease may be too short for the way to the store, and that is to keep nobody else.
func (w *waitCall) goBack(late error) error {
	if err := w.mayAskAgain(late); err != nil {
		return err
	}
	w.quit()
	w.line = nil
	w.pause(w.rl.client, min(askFirst, w.left()))
	return nil
}

// mayAskAgain notes what the store said, and returns the error of a wait that is over.
func (w *waitCall) mayAskAgain(err error) error {
	c := w.rl.client
	goesOn := w.ctx.Err() == nil && c.closing.Err() == nil
	switch {
	case errors.Is(err, driver.ErrHeld):
		w.heardHeld(err)
	case errors.Is(err, errWaitOver): // says nothing of the key
	case isLate(err):
		w.calls.word = err // of its own lease: others may ask for longer ones
	case goesOn && isOutage(err):
		w.away(err)
	case goesOn:
		return withCause(ErrLockAcquire, err)
	}
	switch {
	case c.closing.Err() != nil:
		return withCause(ErrLockAcquire, ErrClosed)
	case w.ctx.Err() != nil:
		return w.over(ended(w.ctx))
	case w.left() <= 0:
		return w.over(nil)
	}
	return nil
}

// granted leaves the line with what the store granted.
func (w *waitCall) granted(r driver.Request, g driver.Grant) (*lease, error) {
	ln := w.line
	var lost *term.Request
	if g.Lease != 0 && ln.Crowded(&w.waiter) {
		lost = w.extendHandedLease(&g, r)
	}
	if w.rl.mode == driver.Exclusive { // what others may have beside it is not handed on
		w.queue = ln
	}
	l, err := w.rl.newLease(&w.attempt, r, g, lost)
	if err != nil {
		return nil, err
	}
	w.line = nil
	if w.queue != nil {
		ln.Granted(&w.waiter, l, l.got.Mono, func() bool { return l.state.Load() == held })
	} else {
		ln.Granted(&w.waiter, nil, 0, nil)
	}
	return l, nil
}
