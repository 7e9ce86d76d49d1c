package postgres

import (
	"context"
	"sync"
)

// shared are the backends of this process, by what they were opened from. Stores
// that were opened from equal URLs share one: its sessions, and what is held.
var shared = backends{open: make(map[string]*opening)}

type backends struct {
	mu   sync.Mutex
	open map[string]*opening
}

// An opening is a backend that is open, or that somebody opens.
type opening struct {
	done    chan struct{} // closed when it is open, or failed
	backend *backend
	err     error
	users   int // that wait for it, or have it
}

// get returns the backend of a key, which make makes if there is none. A failure
// is that of one caller: the next tries again.
func (bs *backends) get(ctx context.Context, key string, make func() *backend) (*backend, error) {
	for {
		bs.mu.Lock()
		o := bs.open[key]
		if o == nil {
			o = &opening{done: newSignal(), users: 1, backend: make()}
			bs.open[key] = o
			bs.mu.Unlock()
			if o.err = o.backend.open(ctx); o.err != nil {
				bs.mu.Lock()
				delete(bs.open, key)
				bs.mu.Unlock()
			}
			close(o.done)
			return o.backend, o.err
		}
		o.users++
		bs.mu.Unlock()
		select {
		case <-o.done:
			if o.err == nil {
				return o.backend, nil
			}
		case <-ctx.Done():
			go func() { // it was counted in
				if <-o.done; o.err == nil {
					bs.put(o.backend)
				}
			}()
			return nil, ctx.Err()
		}
	}
}

func newSignal() chan struct{} { return make(chan struct{}) }

// put counts a user of a backend out, and closes it after the last.
func (bs *backends) put(b *backend) {
	bs.mu.Lock()
	last := true
	for key, o := range bs.open {
		if o.backend == b {
			if o.users--; o.users > 0 {
				last = false
			} else {
				delete(bs.open, key)
			}
			break
		}
	}
	bs.mu.Unlock()
	if last {
		b.close()
	}
}
