package locks

import (
	"cmp"
	"container/heap"
	"math"
	"slices"
	"sync"
	"time"
)

// An agenda is what will happen in a world, and when.
type agenda struct {
	happenings happenings
	count      int
}

type planned struct {
	at time.Duration
	n  int // what was put down first comes first
	do func()
}

func (a *agenda) add(at time.Duration, do func()) {
	a.count++
	heap.Push(&a.happenings, planned{at, a.count, do})
}

func (a *agenda) next() time.Duration {
	if len(a.happenings) == 0 {
		return math.MaxInt64
	}
	return a.happenings[0].at
}

func (a *agenda) pop() func() { return heap.Pop(&a.happenings).(planned).do }

type happenings []planned

func (e happenings) Len() int { return len(e) }
func (e happenings) Less(i, j int) bool {
	return e[i].at < e[j].at || e[i].at == e[j].at && e[i].n < e[j].n
}
func (e happenings) Swap(i, j int) { e[i], e[j] = e[j], e[i] }
func (e *happenings) Push(x any)   { *e = append(*e, x.(planned)) }
func (e *happenings) Pop() any {
	old := *e
	last := old[len(old)-1]
	old[len(old)-1] = planned{}
	*e = old[:len(old)-1]
	return last
}

// An inbox is where goroutines leave what the runner shall do for them.
type inbox struct {
	wake chan struct{}

	mu    sync.Mutex
	items []item
}

// An item is sorted by its name, which does not depend on the scheduler.
type item struct {
	name  func() string
	admit func()
}

func (in *inbox) put(name func() string, admit func()) {
	in.mu.Lock()
	in.items = append(in.items, item{name, admit})
	in.mu.Unlock()
	select {
	case in.wake <- struct{}{}:
	default:
	}
}

// admit does what there is to do, and reports whether there was something.
func (in *inbox) admit() bool {
	in.mu.Lock()
	items := in.items
	in.items = nil
	in.mu.Unlock()
	select {
	case <-in.wake:
	default:
	}
	if len(items) > 1 {
		slices.SortStableFunc(items, func(a, b item) int { return cmp.Compare(a.name(), b.name()) })
	}
	for _, it := range items {
		it.admit()
	}
	return len(items) > 0
}
