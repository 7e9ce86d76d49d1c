package locks

import "sync"

// A taskGroup runs goroutines that a client can wait for. None starts once the
// wait for them has begun.
type taskGroup struct {
	mu      sync.Mutex
	stopped bool
	running sync.WaitGroup
}

// start runs f in a goroutine and reports true, unless stop was called.
func (g *taskGroup) start(f func()) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.stopped {
		return false
	}
	g.running.Go(f)
	return true
}

// stop has nothing start any more, and returns a channel that is closed when what
// runs is over.
func (g *taskGroup) stop() <-chan struct{} {
	g.mu.Lock()
	g.stopped = true
	g.mu.Unlock()
	over := make(chan struct{})
	go func() {
		g.running.Wait()
		close(over)
	}()
	return over
}
