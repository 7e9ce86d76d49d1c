package postgres

import (
	"context"
	"time"

	"github.com/concurrent-go/concurrent/driver"
)

const (
	// writeAfter is how long a lease is held before it is written down, so that
	// others can see whose it is also when this process is frozen. Those that
	// are shorter are written when somebody inspects.
	writeAfter = time.Second
	writeIn    = 2 * time.Second // how long that may take
)

// A scribe writes down what is held, off the way of those who lock. It does
// nothing in a database where nobody ever inspected a lock.
type scribe struct {
	wake  chan struct{} // has room for one
	wrote int           // leases of the last time
}

func (s *scribe) rouse() {
	select {
	case s.wake <- struct{}{}:
	default: // it is to write already
	}
}

// scribble writes whenever somebody asks, and what has grown old by itself.
func (b *backend) scribble() {
	ticker := time.NewTicker(writeAfter)
	defer ticker.Stop()
	for {
		all := false
		select {
		case <-b.scribe.wake:
			all = true
		case <-ticker.C:
		case <-b.life.Done():
			return
		}
		b.write(all)
	}
}

// write writes down what is held: all of it anew, or what was held for a while
// and is not written yet.
func (b *backend) write(all bool) {
	b.mu.Lock()
	ready := b.tables.ready
	var p page
	if ready || all {
		p = b.page(all)
	}
	b.mu.Unlock()
	if ready && p.empty && !all {
		return
	}
	ctx, cancel := context.WithTimeout(b.life, writeIn)
	defer cancel()
	if !ready && !b.foundTables(ctx) {
		return // nobody inspected yet, or who does is told, or sees this process's sessions only
	}
	if _, err := b.ask(ctx, script("write", b.options.schema), p.params()...); err == nil {
		b.mu.Lock()
		for _, l := range p.leases {
			l.written = true
		}
		b.mu.Unlock()
	}
}

// A page is what is to be written.
type page struct {
	sessions []int32
	ids      []int64 // of all that is held
	leases   []*lease
	empty    bool // nothing is new, and nothing is gone
	columns  [11][]byte
}

func (b *backend) page(all bool) page {
	p := page{sessions: b.pids()}
	now := time.Now()
	for _, e := range b.entries {
		for _, l := range e.leases {
			if all || !l.written && now.Sub(l.since) >= writeAfter {
				p.leases = append(p.leases, l)
			} else if !l.written {
				continue
			}
			p.ids = append(p.ids, l.id())
		}
	}
	p.empty = len(p.leases) == 0 && len(p.ids) == b.scribe.wrote
	b.scribe.wrote = len(p.ids)
	p.fill()
	return p
}

// pids are this process's sessions on the server.
func (b *backend) pids() []int32 {
	var all []int32
	for i := range b.classes {
		if s := b.classes[i].live; s != nil {
			all = append(all, int32(s.pid))
		}
	}
	return all
}

// fill reads the leases, under the backend's mutex.
func (p *page) fill() {
	ls := p.leases
	p.columns = [11][]byte{
		int8s(len(ls), func(i int) int64 { return ls[i].entry.at.lock }),
		byteas(len(ls), func(i int) string { return ls[i].key }),
		int4s(column(ls, func(l *lease) int32 { return int32(l.mode) })),
		int8s(len(ls), func(i int) int64 {
			if ls[i].forever() {
				return -1
			}
			return max(0, time.Until(ls[i].ends).Microseconds())
		}),
		int8s(len(ls), func(i int) int64 { return time.Since(ls[i].since).Microseconds() }),
		int8s(len(ls), func(i int) int64 { return int64(ls[i].token) }),
		byteas(len(ls), func(i int) string { return ls[i].holder.Host }),
		int4s(column(ls, func(l *lease) int32 { return int32(l.holder.PID) })),
		byteas(len(ls), func(i int) string { return ls[i].holder.Label }),
		int4s(column(ls, func(l *lease) int32 { return int32(l.on.pid) })),
		int4s(column(ls, func(l *lease) int32 { return l.entry.unmarked() })),
	}
}

func column(ls []*lease, of func(*lease) int32) []int32 {
	all := make([]int32, len(ls))
	for i, l := range ls {
		all[i] = of(l)
	}
	return all
}

func (p *page) params() [][]byte {
	ids := int8s(len(p.ids), func(i int) int64 { return p.ids[i] })
	news := int8s(len(p.leases), func(i int) int64 { return p.leases[i].id() })
	all := [][]byte{int4s(p.sessions), ids, news}
	return append(all, p.columns[:]...)
}

// held is a lease as Inspect shows it.
func (l *lease) held() driver.Held {
	return driver.Held{Holder: l.holder, Mode: l.mode, Token: l.token, Since: l.since, Until: l.ends}
}
