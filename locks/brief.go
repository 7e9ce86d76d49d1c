package locks

import (
	"context"

	"github.com/concurrent-go/concurrent/driver"
)

// lengthen makes a lease that was handed over as long as it is to be, before
// anybody has it: of those who wait here, it can be passed on to the next only
// then. If that fails, the lease is what it was, and its renewal finds out why.
func (sp *space) lengthen(g *driver.Grant, r driver.Request) {
	ctx, cancel := context.WithTimeout(sp.life, g.Lease/4)
	defer cancel()
	if sent, err := sp.store.Extend(ctx, r); err == nil {
		g.Sent, g.Lease = sent, 0
	}
}
