package servers

import (
	"github.com/Shopify/toxiproxy/v2/stream"
	"github.com/Shopify/toxiproxy/v2/toxics"
)

func init() {
	toxics.Register("hold", new(holdToxic))
	toxics.Register("reset", new(resetToxic))
}

// A holdToxic lets nothing pass, and not the end of a connection either. What
// comes waits before it and passes when it is removed, where toxiproxy's timeout
// drops it.
type holdToxic struct{}

// Pipe is part of [toxics.Toxic].
func (*holdToxic) Pipe(stub *toxics.ToxicStub) { <-stub.Interrupt }

// A resetToxic ends a connection after some bytes more, and takes what comes
// then, where toxiproxy's limit_data leaves a goroutine that nobody listens to.
type resetToxic struct {
	After int64 `json:"after"`
}

// NewState is part of [toxics.StatefulToxic]: what may pass yet.
func (r *resetToxic) NewState() any {
	left := r.After
	return &left
}

// Pipe is part of [toxics.Toxic].
func (*resetToxic) Pipe(stub *toxics.ToxicStub) {
	left := stub.State.(*int64)
	for {
		select {
		case <-stub.Interrupt:
			return
		case c := <-stub.Input:
			if c != nil && *left > 0 {
				n := min(*left, int64(len(c.Data)))
				*left -= n
				stub.Output <- &stream.StreamChunk{Data: c.Data[:n], Timestamp: c.Timestamp}
				if n == int64(len(c.Data)) {
					continue
				}
			}
			stub.Close()
			for c != nil {
				c = <-stub.Input
			}
			return
		}
	}
}
