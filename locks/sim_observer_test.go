package locks

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/concurrent-go/concurrent"
)

var errObserverPanicked = errors.New("simulated observer: panic")

// A watcher is the observer of a process. It may be slow, hang or panic at any
// event, and checks that every attempt is told once, and its end.
type watcher struct {
	*process
	mu    sync.Mutex
	ids   map[uint64][]concurrent.Event
	order []uint64
	born  map[uint64]int32 // generation of the alias
	count map[concurrent.EventKind]uint64
}

// watch gives some processes an observer.
func (p *process) watch() {
	if p.world.chance(2) {
		return
	}
	p.watcher = &watcher{process: p, ids: make(map[uint64][]concurrent.Event), born: make(map[uint64]int32), count: make(map[concurrent.EventKind]uint64)}
	p.registry.Observe(p.watcher)
}

// slow reports whether the observer, if there is one, may hold up its process.
func (p *process) slow() bool { return p.watcher != nil && p.world.slowObservers }

// Observe notes e, and does what the runner says: nothing is drawn here.
func (o *watcher) Observe(ctx context.Context, e concurrent.Event) {
	w := o.world
	if o.dead.Err() != nil || w.over.Err() != nil || w.ending.Load() {
		return
	}
	who, _ := ctx.Value(actorKey{}).(string)
	o.note(ctx, who, e)
	said := make(chan time.Duration, 1)
	w.inbox.put(func() string { return fmt.Sprint(o.name, "observer", who, e.Kind, e.Key, e.Token) }, func() { o.acts(said) })
	select {
	case d := <-said:
		if d < 0 {
			w.note(o.name, "observer panics", e.Key, e.Token)
			panic(errObserverPanicked)
		}
	case <-w.over.Done():
	}
}

func (o *watcher) note(ctx context.Context, who string, e concurrent.Event) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.world.story.add(happening{at: o.world.now(), who: o.name, did: "tells " + e.Kind.String() + " " + who, key: e.Key, number: e.Token})
	o.count[e.Kind]++
	if e.ID == 0 || e.Kind == concurrent.EventStoreWarning {
		return
	}
	if who == "" || ctx.Err() != nil {
		o.world.checks.untrue(o.process, "the context of %v on %s has no values of its caller, or has ended", e.Kind, e.Key)
	}
	if o.ids[e.ID] == nil {
		o.order, o.born[e.ID] = append(o.order, e.ID), o.generation.Load()
	}
	o.ids[e.ID] = append(o.ids[e.ID], e)
}

// acts decides how an observer takes an event: -1 is a panic.
func (o *watcher) acts(said chan<- time.Duration) {
	w := o.world
	switch n := w.random.Float64(); {
	case n < w.climate.observerPanics:
		said <- -1
		return
	case n > 1-w.climate.observerHangs/4:
		w.in(w.between(2*time.Second, 5*time.Second), func() { said <- 0 })
	case n > 1-w.climate.observerHangs:
		w.in(w.between(20*time.Millisecond, 2*time.Second), func() { said <- 0 })
	default:
		said <- 0
	}
}

// complete checks what was told of each attempt, when all of them are over: exactly
// one of acquired and refused, and exactly one end of what was acquired. With an
// observer that hangs, what comes in the background comes too late to be in order, and
// the end of what an alias lost as it was removed is told to nobody.
func (o *watcher) complete() {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, id := range o.order {
		told := o.ids[id]
		var kinds []string
		count := make(map[concurrent.EventKind]int)
		for _, e := range told {
			count[e.Kind]++
			kinds = append(kinds, e.Kind.String())
		}
		acquired, refused := count[concurrent.EventAcquired], count[concurrent.EventRefused]
		ended := count[concurrent.EventLost] + count[concurrent.EventReleased] + count[concurrent.EventLeaked]
		if o.slow() && ended == 0 && o.born[id] != o.generation.Load() {
			ended = acquired
		}
		wrong := acquired+refused != 1 || ended != acquired || count[concurrent.EventWaiting] > 1
		if !wrong && !o.slow() {
			wrong = !inOrder(told)
		}
		if wrong {
			o.world.checks.untrue(o.process, "of one attempt on %s (token %d) was told: %s",
				told[0].Key, told[len(told)-1].Token, strings.Join(kinds, ", "))
		}
	}
}

// inOrder reports whether told begins with waiting, if it was told at all, then says
// what came of it, and its end last.
func inOrder(told []concurrent.Event) bool {
	if told[0].Kind == concurrent.EventWaiting {
		told = told[1:]
	}
	switch told[0].Kind {
	case concurrent.EventRefused:
		return len(told) == 1
	case concurrent.EventAcquired:
	default:
		return false
	}
	for _, e := range told[1 : len(told)-1] {
		if e.Kind != concurrent.EventRenewed && e.Kind != concurrent.EventRenewalFailed {
			return false
		}
	}
	return true
}
