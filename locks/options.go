package locks

import (
	"errors"
	"fmt"
	"time"

	"github.com/concurrent-go/concurrent"
	"github.com/concurrent-go/concurrent/driver"
)

// Forever is a lease that ends only by Release, Break or the loss of the
// store's data, and a wait that lasts as long as its context.
const Forever time.Duration = driver.Forever

// leastLease is the shortest lease that leaves its holder some time: the local
// deadline comes two milliseconds and one percent before the end.
const leastLease = 5 * time.Millisecond

// An Option changes how a lock is taken and given back. An option that makes
// no sense is ErrInvalidOption, told by Acquire and Do.
type Option func(*settings)

// settings are what a Lock's options came to. They never change afterwards.
type settings struct {
	expire    *time.Duration
	keepAlive *time.Duration
	wait      time.Duration
	quiet     bool // WithRaise(false)
	keep      bool
	minHold   time.Duration
	fencing   bool
	label     string
	registry  *concurrent.Registry
	err       error
}

var defaults = &settings{}

func settle(opts []Option) *settings {
	if len(opts) == 0 {
		return defaults
	}
	s := new(settings)
	for _, o := range opts {
		if o == nil {
			s.refuse("an Option is nil")
			continue
		}
		o(s)
	}
	s.agree()
	return s
}

// agree checks the options against one another.
func (s *settings) agree() {
	if s.expire != nil && s.keepAlive != nil {
		s.refuse("WithExpire and WithKeepAlive exclude each other: a lease is renewed or it is not")
	}
	if s.keep && s.expire == nil {
		s.refuse("WithKeep needs WithExpire, which says how long the key stays held")
	}
	if s.expire != nil && s.minHold > *s.expire {
		s.refuse("WithMinHold(%v) is longer than WithExpire(%v)", s.minHold, *s.expire)
	}
}

func (s *settings) refuse(format string, args ...any) {
	s.err = errors.Join(s.err, fmt.Errorf("%w: "+format, append([]any{ErrInvalidOption}, args...)...))
}

// WithExpire gives the lock a lease of d that is not renewed: it ends d after
// it was got, whatever happens. d is at least 5 ms and at least what the store
// can grant, or Forever.
func WithExpire(d time.Duration) Option {
	return func(s *settings) {
		if d < leastLease {
			s.refuse("WithExpire must be at least %v, or Forever; is %v", leastLease, d)
		}
		s.expire = &d
	}
}

// WithKeepAlive gives the lock a lease of d that is renewed from a third of it
// on while the lock is held. It is the default, with the alias's lease. A
// holder that is killed or cut off leaves the key free after d. d is at least
// 5 ms and at least what the store can grant.
func WithKeepAlive(d time.Duration) Option {
	return func(s *settings) {
		switch {
		case d < leastLease:
			s.refuse("WithKeepAlive must be at least %v; is %v", leastLease, d)
		case d == Forever:
			s.refuse("WithKeepAlive(Forever): a lease without end is never renewed; use WithExpire(Forever)")
		}
		s.keepAlive = &d
	}
}

// WithWait waits up to d for a key that is held; Forever waits as long as the
// context. The default, 0, is not to wait.
func WithWait(d time.Duration) Option {
	return func(s *settings) {
		if d < 0 {
			s.refuse("WithWait must not be negative; is %v", d)
		}
		s.wait = d
	}
}

// WithRaise with false makes Acquire return nil when the key is held by another:
// Active tells whether it was got. The default is true. Do always returns
// ErrLockActive.
func WithRaise(raise bool) Option {
	return func(s *settings) { s.quiet = !raise }
}

// WithKeep makes Release leave the key held until the lease's end, so that a
// job that is done is not done again before. It needs WithExpire.
// ErrUnsupported where the store can't.
func WithKeep() Option {
	return func(s *settings) { s.keep = true }
}

// WithMinHold makes Release leave the key held until d after it was got. The
// default is 0. ErrUnsupported where the store can't.
func WithMinHold(d time.Duration) Option {
	return func(s *settings) {
		if d < 0 || d == Forever {
			s.refuse("WithMinHold must not be negative or Forever; is %v", d)
		}
		s.minHold = d
	}
}

// WithFencing refuses a store that gives no fencing tokens: ErrUnsupported.
// The default is to take what the store gives; Token returns 0 without.
func WithFencing() Option {
	return func(s *settings) { s.fencing = true }
}

// WithLabel says who the holder is, for Inspect, in at most 255 bytes. The
// default is no label; host and process id are always told.
func WithLabel(label string) Option {
	return func(s *settings) {
		if len(label) > 255 {
			s.refuse("WithLabel takes at most 255 bytes; has %d", len(label))
		}
		s.label = label
	}
}

// WithRegistry looks the alias up in r. The default is concurrent.Default().
func WithRegistry(r *concurrent.Registry) Option {
	return func(s *settings) {
		if r == nil {
			s.refuse("WithRegistry(nil): leave the option out for the default registry")
		}
		s.registry = r
	}
}

// needs returns an error if store can't do what the settings ask for.
func (s *settings) needs(sp *space) error {
	switch {
	case s.fencing && !sp.features.Fencing:
		return fmt.Errorf("%w: the store gives no fencing tokens", ErrUnsupported)
	case (s.keep || s.minHold > 0) && sp.keeper == nil:
		return fmt.Errorf("%w: the store can't keep a key that was released; leave WithKeep and WithMinHold out", ErrUnsupported)
	case s.expire != nil && *s.expire < sp.features.MinLease:
		return fmt.Errorf("%w: WithExpire(%v) is shorter than %v, the shortest lease of this store", ErrInvalidOption, *s.expire, sp.features.MinLease)
	case s.keepAlive != nil && *s.keepAlive < sp.features.MinLease:
		return fmt.Errorf("%w: WithKeepAlive(%v) is shorter than %v, the shortest lease of this store", ErrInvalidOption, *s.keepAlive, sp.features.MinLease)
	case s.expire == nil && s.keepAlive == nil && sp.lease < max(leastLease, sp.features.MinLease):
		return because(ErrLockAcquire, fmt.Errorf("%w: the lease %v of alias %q is shorter than %v, the shortest that a lock on this store can have",
			concurrent.ErrInvalidConfig, sp.lease, sp.alias, max(leastLease, sp.features.MinLease)))
	}
	return nil
}

// terms returns the lease's length and whether it is renewed.
func (s *settings) terms(aliasLease time.Duration) (time.Duration, bool) {
	switch {
	case s.expire != nil:
		return *s.expire, false
	case s.keepAlive != nil:
		return *s.keepAlive, true
	}
	return aliasLease, aliasLease != Forever
}
