package chaos

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/concurrent-go/concurrent/driver"
)

// A grant is one lease as its client saw it.
type grant struct {
	process string
	client  int
	number  int
	key     string
	mode    driver.Mode
	call    int64
	got     int64 // Acquire had returned, and if active is true the lease was active then
	token   uint64
	active  bool
	until   int64 // how long the store had to keep it if it was not released
	end     int64 // until when the client might take it to be active
	broken  bool  // the store broke its promise to this one

	releasing, released int64 // 0: not
	confirmed           bool  // the release is
}

func (g *grant) String() string {
	return fmt.Sprintf("%s of %s by process %s client %d (token %d, asked at %d, active %d to %d)",
		g.mode, g.key, g.process, g.client, g.token, g.call, g.got, g.end)
}

// claims reports whether the grant says that it was active for a while, which
// excludes others.
func (g *grant) claims() bool { return g.active && g.end > g.got }

// A history is what happened to the keys, and when the store broke its promise.
type history struct {
	keys   map[string][]*grant // in the order in which they were got
	breaks []Record
	writes map[string][]write // in the order in which the resource answered
}

// A write is what a resource said to a grant's holder.
type write struct {
	Record
	grant *grant
}

type id struct {
	process       string
	client, grant int
}

// read makes a history of records, which may come in any order as long as those
// of one client are in theirs.
func read(records []Record) (*history, error) {
	h := &history{keys: map[string][]*grant{}, writes: map[string][]write{}}
	grants := map[id]*grant{}
	kills := map[string]int64{}
	freezes := map[string][]Record{}
	for _, r := range records {
		switch r.Op {
		case Break:
			h.breaks = append(h.breaks, r)
		case Kill:
			kills[r.Process] = r.Call
		case Freeze:
			freezes[r.Process] = append(freezes[r.Process], r)
		case Trouble:
		case Acquire:
			if r.Result == OK {
				g := begin(&r)
				grants[id{r.Process, r.Client, r.Grant}] = g
				h.keys[r.Key] = append(h.keys[r.Key], g)
			}
		default:
			g := grants[id{r.Process, r.Client, r.Grant}]
			if g == nil {
				return nil, fmt.Errorf("%s of a grant that nobody got: %+v", r.Op, r)
			}
			h.follow(g, r)
		}
	}
	for _, g := range grants {
		if at, ok := kills[g.process]; ok {
			g.until = min(g.until, at)
		}
		g.breakAt(h.breaks)
		g.breakAt(freezes[g.process])
		g.end = g.until
		if g.releasing != 0 {
			g.end = min(g.until, g.releasing)
		}
	}
	h.sort()
	return h, nil
}

func begin(r *Record) *grant {
	return &grant{
		process: r.Process, client: r.Client, number: r.Grant, key: r.Key, mode: r.Mode,
		call: r.Call, got: r.Return, token: r.Token, active: r.Active, until: r.Until,
	}
}

// follow adds what happened to a grant after it was got.
func (h *history) follow(g *grant, r Record) {
	switch r.Op {
	case Hold:
		g.until = r.Until
	case Extend: // the store may have done it, also where it shortens the lease
		g.until = min(g.until, r.Until)
	case Loss:
		g.until = min(g.until, r.Call)
	case Releasing:
		g.releasing = r.Call
	case Release:
		g.released = r.Return
		g.confirmed = r.Result == OK || r.Result == Lost
	case Write:
		h.writes[g.key] = append(h.writes[g.key], write{r, g})
	}
}

// breakAt ends the grant where the store forgot it. One that was asked for and
// not got then may have been forgotten too.
func (g *grant) breakAt(breaks []Record) {
	for _, b := range breaks {
		if g.call < b.Return && b.Call < g.until {
			g.broken = true
			g.until = max(g.got, b.Call)
			if g.got > b.Call {
				g.active = false
			}
		}
	}
}

func (h *history) sort() {
	for _, gs := range h.keys {
		slices.SortStableFunc(gs, func(a, b *grant) int { return cmp.Compare(a.got, b.got) })
	}
	for _, ws := range h.writes {
		slices.SortStableFunc(ws, func(a, b write) int { return cmp.Compare(a.Return, b.Return) })
	}
}
