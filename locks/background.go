package locks

import "sync"

// background runs goroutines that a space can wait for. None starts once the
// wait for them has begun.
type background struct {
	mu      sync.Mutex
	stopped bool
	running sync.WaitGroup
}

// start runs f in a goroutine and reports true, unless stop was called.
func (b *background) start(f func()) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.stopped {
		return false
	}
	b.running.Go(f)
	return true
}

// stop waits for what runs.
func (b *background) stop() {
	b.mu.Lock()
	b.stopped = true
	b.mu.Unlock()
	b.running.Wait()
}
