// Package wheel looks at things again when their moment has come, with one timer
// and no goroutine for all of them. Moments are rounded to a grain that grows with
// the distance, so that a million entries fill some hundred buckets, and those of
// about one length are looked at together.
package wheel

import (
	"container/heap"
	"math/bits"
	"sync"
	"time"

	"github.com/concurrent-go/concurrent/internal/clock"
)

// Forever is a moment that never comes.
const Forever = int64(1) << 62

// tick is how often a wheel with entries looks at the wall clock, which may have
// jumped: after a suspend, what is over ends within a tick of the resume.
const tick = int64(time.Second)

// Grain returns the width of the buckets for things of the given length: the
// largest power of two that is at most a sixty-fourth of it.
func Grain(length time.Duration) int64 {
	length = min(length, time.Hour)
	return int64(1) << max(0, bits.Len64(uint64(length)/64)-1)
}

// A Node is the place of an E in a wheel. It stands inside the entry, as a value.
type Node[E any] struct {
	bucket *bucket[E] // nil: in no wheel
	index  int32
}

// A Verdict is what is to become of an entry whose moment has come.
type Verdict int

// The verdicts of Entry.Look.
const (
	Keep Verdict = iota // it stays, for its next moment
	Due                 // it stays, and is handed out as due
	Over                // it leaves, and is handed out as over
)

// An Entry is a pointer to what stands in a wheel. The wheel calls its methods with
// the wheel locked.
type Entry[E any] interface {
	// Node returns the entry's own place, the same each time.
	Node() *Node[E]
	// Next returns when the entry is to be looked at, after now. seen is when both
	// clocks were last read together.
	Next(now int64, seen clock.Instant) int64
	// Look says what is to become of the entry.
	Look(now clock.Instant) Verdict
}

// A Wheel is entries and their moments. Its mutex guards it, and whatever the
// entries decide their moments by; methods that say so are called with it held.
type Wheel[E Entry[E]] struct {
	sync.Mutex
	act func(over, due []E)

	buckets map[int64]*bucket[E]
	times   times
	recent  *bucket[E] // the one used last: most likely the next one too
	count   int
	timer   *time.Timer
	armed   int64 // when timer fires; Forever: it does not
	seen    clock.Instant
}

// A bucket is the entries to be looked at at one moment.
type bucket[E any] struct {
	at      int64
	entries []E
}

// New returns a wheel that hands out entries by act, in the goroutine of its timer
// and not locked: all that are over and due at one time. act returns soon.
func New[E Entry[E]](act func(over, due []E)) *Wheel[E] {
	return &Wheel[E]{act: act, buckets: make(map[int64]*bucket[E]), armed: Forever}
}

// Add puts e into the wheel. The wheel is locked.
func (w *Wheel[E]) Add(e E, now clock.Instant) {
	if w.count == 0 {
		w.seen = now // what the clocks did before concerns no entry
	}
	w.count++
	w.place(e, e.Node(), now.Mono)
}

// Has reports whether e is in a wheel. Its wheel is locked.
func (w *Wheel[E]) Has(e E) bool { return e.Node().bucket != nil }

// Remove takes e out, if it is in. The wheel is locked.
func (w *Wheel[E]) Remove(e E) {
	if n := e.Node(); n.bucket != nil {
		unplace(n)
		w.count--
	}
}

// Move puts e where its next moment is now, if it is in. The wheel is locked.
func (w *Wheel[E]) Move(e E, now int64) {
	if n := e.Node(); n.bucket != nil {
		unplace(n)
		w.place(e, n, now)
	}
}

// Replace has e stand where old stood, or adds it if old is not in. The wheel is
// locked.
func (w *Wheel[E]) Replace(old, e E, now clock.Instant) {
	from, to := old.Node(), e.Node()
	if from.bucket == nil {
		w.Add(e, now)
		return
	}
	*to = *from
	to.bucket.entries[to.index] = e
	from.bucket = nil
}

// place puts e, whose node is n, into the bucket of its next moment.
func (w *Wheel[E]) place(e E, n *Node[E], now int64) {
	at := e.Next(now, w.seen)
	b := w.recent
	if b == nil || b.at != at {
		if b = w.buckets[at]; b == nil {
			b = &bucket[E]{at: at}
			w.buckets[at] = b
			heap.Push(&w.times, at)
		}
		w.recent = b
	}
	n.bucket, n.index = b, int32(len(b.entries))
	b.entries = append(b.entries, e)
	w.arm(min(at, now+tick), now)
}

// unplace takes the entry of n out of its bucket, which stays until its moment
// comes.
func unplace[E Entry[E]](n *Node[E]) {
	b := n.bucket
	end := len(b.entries) - 1
	if moved := b.entries[end]; n.index != int32(end) {
		b.entries[n.index] = moved
		moved.Node().index = n.index
	}
	var none E
	b.entries[end] = none
	b.entries = b.entries[:end]
	n.bucket = nil
}

// arm makes the timer fire at the given moment, if it would fire later. It is
// never set later: firing for nothing once is cheaper than setting it often.
func (w *Wheel[E]) arm(at, now int64) {
	if at >= w.armed {
		return
	}
	w.armed = at
	d := time.Duration(at - now)
	if w.timer == nil {
		w.timer = time.AfterFunc(d, w.fire)
	} else {
		w.timer.Reset(d)
	}
}

// fire looks at every entry whose moment has come, and at all of them when the
// wall clock has jumped ahead of the monotonic one.
func (w *Wheel[E]) fire() {
	now := clock.Now()
	w.Lock()
	w.armed = Forever
	entries := w.pop(now.Mono)
	if w.jumped(now) {
		entries = append(entries, w.pop(Forever)...)
	}
	var over, due []E
	for _, e := range entries {
		n := e.Node()
		n.bucket = nil
		switch e.Look(now) {
		case Over:
			over = append(over, e)
			w.count--
			continue
		case Due:
			due = append(due, e)
		}
		w.place(e, n, now.Mono)
	}
	if w.count > 0 {
		w.arm(now.Mono+tick, now.Mono)
	}
	if len(w.times) > 0 {
		w.arm(w.times[0], now.Mono)
	}
	w.Unlock()
	w.act(over, due)
}

// Stop stops the timer until something is added or moved: entries are looked at no
// more.
func (w *Wheel[E]) Stop() {
	w.Lock()
	defer w.Unlock()
	if w.timer != nil {
		w.timer.Stop()
		w.armed = Forever
	}
}

// pop takes out the entries of all moments up to the given one.
func (w *Wheel[E]) pop(upTo int64) []E {
	var entries []E
	for len(w.times) > 0 && w.times[0] <= upTo {
		at := heap.Pop(&w.times).(int64)
		entries = append(entries, w.buckets[at].entries...)
		delete(w.buckets, at)
	}
	w.recent = nil
	return entries
}

// jumped reports whether the wall clock ran ahead since the last look.
func (w *Wheel[E]) jumped(now clock.Instant) bool {
	seen := w.seen
	w.seen = now
	return now.Wall-seen.Wall > now.Mono-seen.Mono+int64(time.Millisecond)
}

// All returns the entries.
func (w *Wheel[E]) All() []E {
	w.Lock()
	defer w.Unlock()
	entries := make([]E, 0, w.count)
	for _, b := range w.buckets {
		entries = append(entries, b.entries...)
	}
	return entries
}

// Empty takes out all entries and returns them.
func (w *Wheel[E]) Empty() []E {
	w.Lock()
	defer w.Unlock()
	entries := w.pop(Forever)
	for _, e := range entries {
		e.Node().bucket = nil
	}
	w.count = 0
	return entries
}

// times is a heap of moments.
type times []int64

func (t times) Len() int           { return len(t) }
func (t times) Less(i, j int) bool { return t[i] < t[j] }
func (t times) Swap(i, j int)      { t[i], t[j] = t[j], t[i] }
func (t *times) Push(x any)        { *t = append(*t, x.(int64)) }
func (t *times) Pop() any {
	old := *t
	last := old[len(old)-1]
	*t = old[:len(old)-1]
	return last
}
