package waitline_test

import (
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/concurrent-go/concurrent/driver"
	"github.com/concurrent-go/concurrent/internal/clock"
	"github.com/concurrent-go/concurrent/locks/internal/waitline"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// Those who wait do so for a name, and a lease is a number: 0 is none.
type (
	lines  = waitline.Lines[string, int]
	waiter = waitline.Waiter[string, int]
	line   = waitline.Line[string, int]
	notice = waitline.Notice[int]
)

const key = "key"

// join has a waiter join the line for key.
func join(ls *lines, mode driver.Mode) (w *waiter, ln *line, ask bool) {
	w = new(waiter)
	w.Init("waiter")
	ln, ask = ls.Join(key, mode, w)
	return w, ln, ask
}

// crowd has n join, of whom the first asks.
func crowd(t *testing.T, ls *lines, mode driver.Mode, n int) (ws []*waiter, ln *line) {
	t.Helper()
	for i := range n {
		w, joined, ask := join(ls, mode)
		if ask != (i == 0) {
			t.Fatalf("waiter %d is to ask: %v", i, ask)
		}
		ws, ln = append(ws, w), joined
	}
	return ws, ln
}

// hears complains unless w was told want, the zero value for nothing.
func hears(t *testing.T, who any, w *waiter, want notice) {
	t.Helper()
	var got notice
	select {
	case got = <-w.Notice:
	default:
	}
	if got != want {
		t.Errorf("waiter %v was told %+v, want %+v", who, got, want)
	}
}

func toAsk() notice       { return notice{Turn: waitline.Ask} }
func handed(l int) notice { return notice{Turn: waitline.Handed, Lease: l} }
func yes() bool           { return true }
func stored() int64       { return clock.Mono() }
func to(l int) successor  { return func(string, int64) int { return l } }
func refusing() successor { return to(0) }

type successor = func(to string, stored int64) int

func TestWaitersAskFirstComeFirstServed(t *testing.T) {
	ls := waitline.New[string, int]()
	ws, ln := crowd(t, ls, driver.Exclusive, 10)
	if ln.Crowded(ws[9]) {
		t.Error("others wait behind the last")
	}
	for i, w := range ws {
		if i > 0 {
			hears(t, i, w, toAsk())
		}
		for j := i + 1; j < len(ws); j++ {
			hears(t, j, ws[j], notice{})
		}
		if crowded := ln.Crowded(w); crowded != (i < 9) {
			t.Errorf("others wait behind waiter %d of 10: %v", i, crowded)
		}
		if i%2 == 0 {
			ln.Granted(w, 0, 0, nil)
		} else {
			ln.Quit(w) // a head that leaves wakes the next
		}
	}
	if !ls.Empty(key, driver.Exclusive) || !ls.Quiet(key) {
		t.Error("the line is not empty")
	}
}

func TestWaiterThatQuitsInTheMiddleWakesNobody(t *testing.T) {
	ls := waitline.New[string, int]()
	ws, ln := crowd(t, ls, driver.Exclusive, 3)
	ln.Quit(ws[1])
	hears(t, 2, ws[2], notice{})
	ln.Quit(ws[0])
	hears(t, 1, ws[1], notice{})
	hears(t, 2, ws[2], toAsk())
}

func TestWaiterThatQuitsAsItIsToAskWakesTheNext(t *testing.T) {
	ls := waitline.New[string, int]()
	ws, ln := crowd(t, ls, driver.Exclusive, 3)
	ln.Quit(ws[0])
	if l := ln.Quit(ws[1]); l != 0 { // has not read that it is to ask
		t.Errorf("the lease %d is returned, and none was handed over", l)
	}
	hears(t, 2, ws[2], toAsk())
}

func TestKeysAndModesHaveLinesOfTheirOwn(t *testing.T) {
	ls := waitline.New[string, int]()
	for _, mode := range []driver.Mode{driver.Exclusive, driver.Shared, driver.Slots(2), driver.Slots(3)} {
		for _, k := range []string{"a", "b"} {
			w := new(waiter)
			w.Init("")
			if _, ask := ls.Join(k, mode, w); !ask {
				t.Errorf("the first for %s in mode %v is not to ask", k, mode)
			}
		}
	}
	if ls.Quiet("a") || ls.Empty("a", driver.Shared) || !ls.Empty("a", driver.Slots(4)) {
		t.Error("a line is there or not as it should not be")
	}
}

func TestWidthOfALine(t *testing.T) {
	for mode, width := range map[driver.Mode]int{driver.Exclusive: 1, driver.Shared: 9, driver.Slots(1): 1, driver.Slots(3): 3} {
		ls := waitline.New[string, int]()
		ws, ln := crowd(t, ls, mode, 10)
		ln.Granted(ws[0], 0, 0, nil) // others can have the key beside it
		for i, w := range ws[1:] {
			var want notice
			if i < width {
				want = toAsk()
			}
			hears(t, fmt.Sprint(i+1, " of mode ", mode), w, want)
		}
		if _, _, ask := join(ls, mode); ask != (mode == driver.Shared) {
			t.Errorf("who comes to the line of mode %v is to ask: %v", mode, ask)
		}
	}
}

func TestLeaseGoesFromHandToHand(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ls := waitline.New[string, int]()
		ws, ln := crowd(t, ls, driver.Exclusive, 3)
		got := stored()
		ln.Granted(ws[0], 1, got, yes)
		for i, w := range ws[1:] {
			hears(t, i+1, w, notice{}) // nobody asks while a lease may be handed on
			time.Sleep(time.Millisecond)
			var whom string
			var when int64
			if !ln.HandOff(i+1, func(w string, stored int64) int { whom, when = w, stored; return i + 2 }) || whom != "waiter" || when != got {
				t.Errorf("lease %d: handed on to %q as one of %d, want of %d", i+1, whom, when, got)
			}
			hears(t, i+1, w, handed(i+2))
			if holder, ok := ls.Holder(key); !ok || holder != i+2 {
				t.Errorf("the holder is %d, %v, want %d", holder, ok, i+2)
			}
		}
		if ln.HandOff(3, to(4)) {
			t.Error("handed on to nobody")
		}
		if !ls.Empty(key, driver.Shared) || ls.Empty(key, driver.Exclusive) {
			t.Error("the line of a holder is gone, or another is there")
		}
		ln.Leave(3)
		if _, ok := ls.Holder(key); ok || !ls.Empty(key, driver.Exclusive) {
			t.Error("there is a holder after it left")
		}
	})
}

func TestHeadAsksWhenTheHoldersTimeIsOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ls := waitline.New[string, int]()
		ws, ln := crowd(t, ls, driver.Exclusive, 2)
		ln.Granted(ws[0], 1, stored(), yes)
		time.Sleep(waitline.HandOffFor - 1)
		synctest.Wait()
		hears(t, 1, ws[1], notice{})
		time.Sleep(time.Nanosecond)
		synctest.Wait()
		hears(t, 1, ws[1], toAsk())
		if ln.HandOff(1, to(2)) {
			t.Error("handed on to one who asks the store")
		}
		late, _, ask := join(ls, driver.Exclusive)
		if ask {
			t.Error("two are to ask")
		}
		ln.Leave(1)
		hears(t, "late", late, notice{}) // the first asks still
		ln.Granted(ws[1], 2, stored(), yes)
		time.Sleep(waitline.HandOffFor)
		synctest.Wait()
		hears(t, "late", late, toAsk())
	})
}

func TestLeaseThatIsNotHandedOnWakesTheHead(t *testing.T) {
	ls := waitline.New[string, int]()
	ws, ln := crowd(t, ls, driver.Exclusive, 2)
	ln.Granted(ws[0], 1, stored(), yes)
	if ln.HandOff(7, to(8)) {
		t.Error("one that holds nothing handed it on")
	}
	ln.Leave(7)
	if ln.HandOff(1, refusing()) {
		t.Error("handed on what may not be")
	}
	hears(t, 1, ws[1], notice{})
	ln.Leave(1)
	hears(t, 1, ws[1], toAsk())
}

func TestLeaseThatWasLostSinceIsNoHolder(t *testing.T) {
	ls := waitline.New[string, int]()
	ws, ln := crowd(t, ls, driver.Exclusive, 2)
	ln.Granted(ws[0], 1, stored(), func() bool { return false })
	hears(t, 1, ws[1], toAsk())
	if holder, ok := ls.Holder(key); ok {
		t.Errorf("the holder is %d", holder)
	}
}

func TestQuitReturnsALeaseHandedOverJustNow(t *testing.T) {
	ls := waitline.New[string, int]()
	ws, ln := crowd(t, ls, driver.Exclusive, 3)
	ln.Granted(ws[0], 1, stored(), yes)
	ln.HandOff(1, to(2))
	if l := ln.Quit(ws[1]); l != 2 {
		t.Errorf("lease %d is returned, want 2", l)
	}
	if !ln.HandOff(2, to(3)) {
		t.Error("it can't be handed on")
	}
	hears(t, 2, ws[2], handed(3))
}

func TestClosedLinesEndTheWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ls := waitline.New[string, int]()
		ws, ln := crowd(t, ls, driver.Exclusive, 3)
		ls.Close()
		hears(t, 0, ws[0], notice{}) // its call will tell
		for i, w := range ws[1:] {
			hears(t, i+1, w, notice{Turn: waitline.Closed})
			ln.Quit(w)
		}
		if _, joined, _ := join(ls, driver.Exclusive); joined != nil {
			t.Error("one joined after Close")
		}
		if ls.Empty(key, driver.Exclusive) {
			t.Error("the line of one who asks is gone")
		}
		ln.Quit(ws[0])
		if !ls.Empty(key, driver.Exclusive) {
			t.Error("the line is not empty")
		}
	})
}

func TestLineKnowsWhatWasHeardLast(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ls := waitline.New[string, int]()
		if w := ls.Word(key, driver.Exclusive); w != (waitline.Word{}) {
			t.Errorf("%+v of a key that nobody waits for", w)
		}
		ws, ln := crowd(t, ls, driver.Exclusive, 2)
		ln.Heard(driver.ErrHeld)
		ln.AddStoreWaits(1)
		time.Sleep(time.Second)
		ln.AddStoreWaits(1)
		ln.Heard(driver.ErrUnavailable)
		ln.AddStoreWaits(-1)
		want := waitline.Word{Err: driver.ErrUnavailable, At: clock.Mono(), Current: true}
		time.Sleep(time.Second)
		holder, said := ln.Says()
		if w := ls.Word(key, driver.Exclusive); w != want || said != want || holder != 0 {
			t.Errorf("%+v and %+v of holder %d, want %+v of none", w, said, holder, want)
		}
		ln.AddStoreWaits(-1)
		if w := ls.Word(key, driver.Exclusive); w.Current || !errors.Is(w.Err, driver.ErrUnavailable) {
			t.Errorf("%+v, and nobody waits in the store", w)
		}
		ln.Granted(ws[0], 5, stored(), yes)
		if holder, _ := ln.Says(); holder != 5 {
			t.Errorf("the holder is %d, want 5", holder)
		}
		ln.Leave(5)
	})
}
