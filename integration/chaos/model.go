package chaos

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/anishathalye/porcupine"
)

// A step is one event of the model, of one key.
type step struct {
	op    Op // Acquire, Release, or Break
	grant *grant
	at    int64 // the latest instant that it may have happened at
}

// A state is who holds a key, in the order in which they got it, which is one
// for all orders of events, and the last token.
// Whether a holder's time is over stands in its grant.
type state struct {
	holders []*grant
	last    uint64
}

// leases is the model of leases with fencing, for every mode. An exclusive
// grant needs a larger token than all exclusive ones before it; a holder keeps
// others out until it is released, its time is over, or the store forgot it.
var leases = porcupine.Model{
	Init:  func() any { return state{} },
	Step:  func(s, in, _ any) (bool, any) { return s.(state).step(in.(step)) },
	Equal: func(a, b any) bool { return a.(state).equal(b.(state)) },
	DescribeOperation: func(in, _ any) string {
		if s := in.(step); s.grant != nil {
			return fmt.Sprintf("%s %s #%d", s.op, s.grant.mode, s.grant.token)
		}
		return "the store forgot"
	},
	DescribeState: func(s any) string {
		var tokens []uint64
		for _, g := range s.(state).holders {
			tokens = append(tokens, g.token)
		}
		return fmt.Sprintf("held by %d, last #%d", tokens, s.(state).last)
	},
}

func (s state) equal(o state) bool {
	return s.last == o.last && slices.Equal(s.holders, o.holders)
}

func byGot(a, b *grant) int {
	return cmp.Or(cmp.Compare(a.got, b.got), cmp.Compare(a.process, b.process), cmp.Compare(a.client, b.client))
}

func (s state) step(e step) (bool, any) {
	next := state{last: s.last}
	for _, g := range s.holders {
		if e.op == Break || e.op == Release && g == e.grant || g.until <= e.at {
			continue
		}
		next.holders = append(next.holders, g)
	}
	if e.op != Acquire {
		return true, next
	}
	beside := 1
	for _, g := range next.holders {
		if e.grant.mode.Excludes(g.mode) {
			return false, s
		}
		beside++
	}
	if n := e.grant.mode.Slots(); n > 0 && beside > n || e.grant.token != 0 && e.grant.token <= s.last {
		return false, s
	}
	if e.grant.mode == 0 {
		next.last = e.grant.token
	}
	if e.grant.claims() {
		at, _ := slices.BinarySearchFunc(next.holders, e.grant, byGot)
		next.holders = slices.Insert(next.holders, at, e.grant)
	}
	return true, next
}

// model looks for an order of the events of each key that the model allows, and
// returns for how many keys it found neither one nor that there is none.
func (h *history) model(picture string, patience time.Duration) (found []Violation, undecided int, err error) {
	for key, grants := range h.keys {
		ops := h.operations(grants)
		result, info := porcupine.CheckOperationsVerbose(leases, ops, patience)
		if result == porcupine.Unknown {
			undecided++
		}
		if result != porcupine.Illegal {
			continue
		}
		what := fmt.Sprintf("none explains the %d grants of %s", len(grants), key)
		if picture != "" {
			path := fmt.Sprintf("%s-%s.html", picture, key)
			if err := porcupine.VisualizePath(leases, info, path); err != nil {
				return found, undecided, err
			}
			what += "; see " + path
		}
		found = append(found, Violation{promiseModel, what})
	}
	return found, undecided, nil
}

// operations are the events of a key. A release whose result is unknown may
// happen any time later; as it does nothing after the lease's end, it returns
// then at the latest, which leaves porcupine less to try.
func (h *history) operations(grants []*grant) []porcupine.Operation {
	var ops []porcupine.Operation
	clients := map[string]int{}
	add := func(e step, who string, call, ret int64) {
		if _, ok := clients[who]; !ok {
			clients[who] = len(clients)
		}
		e.at = ret
		ops = append(ops, porcupine.Operation{ClientId: clients[who], Input: e, Call: call, Return: ret})
	}
	for _, g := range grants {
		who := fmt.Sprint(g.process, "/", g.client)
		add(step{op: Acquire, grant: g}, who, g.call, g.got)
		if g.releasing != 0 && g.claims() {
			ret := g.released
			if !g.confirmed {
				ret = max(g.releasing, g.released, g.until)
			}
			add(step{op: Release, grant: g}, who, g.releasing, ret)
		}
	}
	for _, b := range h.breaks {
		add(step{op: Break}, "store", b.Call, b.Return)
	}
	return ops
}
