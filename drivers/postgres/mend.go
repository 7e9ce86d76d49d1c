package postgres

// mend sees to a statement that the server did not carry out, or not to its end.
// Advisory locks of a session outlive the transaction that took them: what the
// statement may have locked is given back. Nothing that was held before is
// touched.
func (b *backend) mend(s *session, g *group) {
	why := b.secrets.explain(g.err)
	switch g.kind {
	case unlock, leave:
		// The locks before the one that failed are free; whoever waits for
		// them finds out when it looks next.
		for _, o := range g.ops {
			b.undo(s, remains(o), func(err error) {
				o.code, o.err, o.fate = freed, err, gone
				b.conclude(o)
			})
		}
	case stand:
		b.stoodInVain(s, g, why)
	case try, mark, enter, permit:
		b.again(s, g, why)
	case special, check:
		for _, o := range g.ops {
			o.err, o.fate = saidOf(g.err, why), refused
			b.conclude(o)
		}
	default: // what is to be free is not
		b.drop(s, g)
	}
}

// remains are the ops that take back what an op may have taken, or not given
// back, when its statement failed.
func remains(o *op) []*op {
	mode := func() []*op {
		all := []*op{{kind: unshare, number: o.mode}, {kind: unshare, number: o.at.lock}}
		if o.size != 0 {
			all = append(all, &op{kind: unshare, number: o.at.size(int(o.size))})
		}
		return all
	}
	switch o.kind {
	case unlock, try, stand:
		return []*op{{kind: unlockQuietly, number: o.at.lock}}
	case mark:
		return []*op{{kind: unshare, number: o.number}}
	case leave:
		var all []*op
		if o.number != 0 {
			all = append(all, &op{kind: unlockQuietly, number: o.number})
		}
		if o.uneven != even {
			all = append(all, &op{kind: unshare, number: o.at.uneven})
		}
		if o.last {
			all = append(all, mode()...)
		}
		return all
	case enter, permit:
		var all []*op
		if o.kind == permit {
			all = append(all, &op{
				kind: special, statement: script("unpermit", ""),
				params: [][]byte{int8Of(o.at.slots), int4Of(o.size), o.skip},
			})
			if o.uneven == even {
				all = append(all, &op{kind: unshare, number: o.at.uneven})
			}
		}
		if !o.have {
			all = append(all, mode()...)
		}
		return all
	}
	return nil
}

// undo has a session do ops, and then calls after with the first error.
func (b *backend) undo(s *session, ops []*op, after func(error)) {
	left := len(ops)
	if left == 0 {
		after(nil)
		return
	}
	var first error
	for _, o := range ops {
		o.then = func(o *op) {
			if first == nil {
				first = o.err
			}
			if left--; left == 0 {
				after(first)
			}
		}
	}
	b.submitOn(s, ops...)
}

// again takes back what a statement may have done, and has its ops done again,
// each alone, if there were several: one may have been the cause for all.
func (b *backend) again(s *session, g *group, why error) {
	several := len(g.ops) > 1
	for _, o := range g.ops {
		b.undo(s, remains(o), func(err error) {
			switch {
			case err != nil:
				o.err, o.fate = err, gone
			case several:
				o.alone, o.lease = true, 0
				b.submitOn(s, o)
				return
			default:
				o.err, o.fate = why, refused
			}
			b.conclude(o)
		})
	}
}

// drop ends a session of which nobody knows what it holds.
func (b *backend) drop(s *session, g *group) {
	for _, o := range g.ops {
		o.err, o.fate = b.secrets.explain(g.err), gone
		b.conclude(o)
	}
	b.background.Go(func() { s.fail(g.err) })
}
