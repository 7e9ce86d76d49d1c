package chaos

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/concurrent-go/concurrent/driver"
)

// A Violation is a promise that was broken.
type Violation struct {
	Promise string `json:"promise"`
	What    string `json:"what"`
}

func (v Violation) String() string { return v.Promise + ": " + v.What }

// The promises that Check looks at.
const (
	promiseApart  = "no two active holders exclude each other"
	promiseTokens = "tokens grow in the order of grants"
	promiseWrites = "the token stops stale writes and no others"
	promiseModel  = "some order of events explains the history"
)

// Check returns what is wrong with a history. A violation of the model is drawn
// in an HTML file at picture, unless that is empty; the search for an order of
// events of a key ends after patience, undecided, which is counted.
func Check(records []Record, picture string, patience time.Duration) (found []Violation, undecided int, err error) {
	h, err := read(records)
	if err != nil {
		return nil, 0, err
	}
	for _, key := range slices.Sorted(maps.Keys(h.keys)) {
		found = append(found, apart(h.keys[key])...)
		found = append(found, growing(h.keys[key])...)
		found = append(found, guarded(h.writes[key])...)
	}
	more, undecided, err := h.model(picture, patience)
	return append(found, more...), undecided, err
}

// apart looks for two that were active at one instant and should not have been.
// A set of intervals overlaps where one of them begins, so only the beginnings
// are looked at.
func apart(grants []*grant) []Violation {
	var found []Violation
	var now []*grant // those that were active when g began
	for _, g := range grants {
		if !g.claims() {
			continue
		}
		now = slices.DeleteFunc(now, func(o *grant) bool { return o.end <= g.got })
		beside := 1
		for _, o := range now {
			if g.mode.Excludes(o.mode) {
				found = append(found, Violation{promiseApart, fmt.Sprintf("%v\n\tbeside %v", g, o)})
			} else {
				beside++
			}
		}
		if n := g.mode.Slots(); n > 0 && beside > n {
			found = append(found, Violation{promiseApart, fmt.Sprintf("%v\n\tis holder %d of %d", g, beside, n)})
		}
		now = append(now, g)
	}
	return found
}

// growing compares tokens. Of two exclusive grants that were active when they
// were got, the one that was got first was granted first: it was active still,
// so that the other could not have been granted yet, or it was over. Of others
// that is known only where one was asked for after the other was got.
func growing(grants []*grant) []Violation {
	return slices.Concat(missing(grants), growingHeld(grants), growingAsked(grants))
}

// missing looks for grants without a token where others have one.
func missing(grants []*grant) []Violation {
	var found []Violation
	if !slices.ContainsFunc(grants, func(g *grant) bool { return g.token != 0 }) {
		return nil
	}
	for _, g := range grants {
		if g.token == 0 {
			found = append(found, Violation{promiseTokens, fmt.Sprintf("%v\n\thas none, and others have", g)})
		}
	}
	return found
}

func growingHeld(grants []*grant) []Violation {
	var found []Violation
	seen := map[uint64]*grant{}
	var last *grant // of the active ones so far, that with the largest token
	for _, g := range grants {
		if g.mode != driver.Exclusive || g.token == 0 {
			continue
		}
		if o := seen[g.token]; o != nil {
			found = append(found, Violation{promiseTokens, fmt.Sprintf("%v\n\thas the token of %v", g, o)})
		}
		seen[g.token] = g
		if g.active && last != nil && g.token < last.token {
			found = append(found, Violation{promiseTokens, fmt.Sprintf("%v\n\twas granted after %v", g, last)})
		}
		if g.active && (last == nil || g.token > last.token) {
			last = g
		}
	}
	return found
}

// growingAsked goes through the grants in the order of their calls, and compares
// each with the largest token that had been got by then.
func growingAsked(grants []*grant) []Violation {
	var found []Violation
	var last *grant
	asked := slices.SortedStableFunc(slices.Values(grants), func(a, b *grant) int {
		return cmp.Compare(a.call, b.call)
	})
	next := 0
	for _, g := range asked {
		for ; next < len(grants) && grants[next].got < g.call; next++ {
			if o := grants[next]; o.mode == driver.Exclusive && (last == nil || o.token > last.token) {
				last = o
			}
		}
		if last != nil && g.token != 0 && g.token <= last.token {
			found = append(found, Violation{promiseTokens, fmt.Sprintf("%v\n\twas asked for after %v was got", g, last)})
		}
	}
	return found
}

// guarded looks at what a resource took and what it stopped.
func guarded(writes []write) []Violation {
	var found []Violation
	var last *write // taken, of the grant that was asked for last
	for _, w := range writes {
		switch w.Result {
		case OK:
			if last != nil && w.grant.got < last.grant.call && w.Call > last.Return {
				found = append(found, Violation{promiseWrites, fmt.Sprintf("a write was taken of %v\n\tafter one of %v", w.grant, last.grant)})
			}
			if last == nil || w.grant.call > last.grant.call {
				last = &w
			}
		case Refused:
			if g := w.grant; g.claims() && !g.broken && w.Return <= g.end {
				found = append(found, Violation{promiseWrites, fmt.Sprintf("a write was refused of %v, which was active", g)})
			}
		}
	}
	return found
}
