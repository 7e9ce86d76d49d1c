package locktest

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/concurrent-go/concurrent/driver"
)

// goSlow makes calls that begin from now on take d more.
func (s *store) goSlow(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.slow = d
}

// goDown fails calls until up is called.
func (s *store) goDown() (up func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.downs++; s.downs == 1 && !s.closed {
		s.cut(fmt.Errorf("%w: locktest: alias %q is down until its up function is called", driver.ErrUnavailable, s.alias))
	}
	return sync.OnceFunc(s.goUp)
}

func (s *store) goUp() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.downs--; s.downs == 0 && !s.closed {
		s.connect()
	}
}

// connect has calls get through from now on, until cut is called with the error
// that they fail with then.
func (s *store) connect() {
	s.line, s.cut = context.WithCancelCause(context.Background())
}

// disconnect fails calls with ErrClosed for ever.
func (s *store) disconnect() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return
	}
	s.closed = true
	if s.downs > 0 {
		s.connect()
	}
	s.cut(driver.ErrClosed)
}

// travel takes a call to the store. It returns the line that the call came by,
// which ends with the call if the store goes away, and how long it took. A call
// whose ctx ends is let through: the memory store refuses it, and does nothing.
func (s *store) travel(ctx context.Context) (line context.Context, took time.Duration, err error) {
	s.mu.Lock()
	line, slow := s.line, s.slow
	s.mu.Unlock()
	if ctx.Err() != nil {
		return line, 0, nil
	}
	if slow == 0 {
		return line, 0, context.Cause(line)
	}
	began := time.Now()
	timer := time.NewTimer(slow)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	case <-line.Done():
	}
	return line, time.Since(began), context.Cause(line)
}

// call carries do out, if it gets through: not halfway, and not after goDown or
// disconnect has returned. do is told how long it took to get there.
func (s *store) call(ctx context.Context, do func(took time.Duration) error) error {
	line, took, err := s.travel(ctx)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if ctx.Err() == nil && line.Err() != nil {
		return context.Cause(line)
	}
	return do(took)
}
