package locks

import (
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

// An Option changes how a lock is acquired and released. An option that makes
// no sense is ErrInvalidOption, returned by Acquire, Hold and Do.
type Option func(*options)

// options are what a Lock's Options came to. They never change afterwards.
type options struct {
	expire        *time.Duration
	keepAlive     *time.Duration
	maxHold       *time.Duration
	wait          time.Duration
	quiet         bool // WithRaise(false)
	keep          bool
	keepOnSuccess bool
	minHold       time.Duration
	fencing       bool
	label         string
	registry      *concurrent.Registry
	err           error
}

var noOptions = &options{}

// newOptions applies opts and checks them against one another.
func newOptions(opts []Option) *options {
	if len(opts) == 0 {
		return noOptions
	}
	o := new(options)
	for _, option := range opts {
		if option == nil {
			o.refuse("an Option is nil")
			continue
		}
		option(o)
	}
	o.agree()
	return o
}

// agree checks the options against one another.
func (o *options) agree() {
	if o.expire != nil && o.keepAlive != nil {
		o.refuse("WithExpire and WithKeepAlive exclude each other: a lease is renewed or it is not")
	}
	if o.expire != nil && o.maxHold != nil {
		o.refuse("WithExpire and WithMaxHold exclude each other: a lease that is not renewed ends by itself")
	}
	if o.keepAlive != nil && o.maxHold != nil && *o.maxHold < *o.keepAlive {
		o.refuse("WithMaxHold(%v) is shorter than the lease, WithKeepAlive(%v)", *o.maxHold, *o.keepAlive)
	}
	if o.maxHold != nil && o.minHold > *o.maxHold {
		o.refuse("WithMinHold(%v) is longer than WithMaxHold(%v)", o.minHold, *o.maxHold)
	}
	if o.expire != nil && o.minHold > *o.expire {
		o.refuse("WithMinHold(%v) is longer than WithExpire(%v)", o.minHold, *o.expire)
	}
	o.agreeOnKeep()
}

// agreeOnKeep checks the options that leave the key held.
func (o *options) agreeOnKeep() {
	if o.keep && o.keepOnSuccess {
		o.refuse("WithKeep and WithKeepOnSuccess exclude each other: the key is kept always, or after a success")
	}
	if o.keep || o.keepOnSuccess {
		name := "WithKeep"
		if o.keepOnSuccess {
			name = "WithKeepOnSuccess"
		}
		switch {
		case o.expire == nil:
			o.refuse("%s needs WithExpire, which says how long the key stays held", name)
		case *o.expire == Forever:
			o.refuse("%s needs WithExpire of less than Forever: the key would never be free again", name)
		}
	}
}

func (o *options) refuse(format string, args ...any) {
	o.err = joinErrors(o.err, fmt.Errorf("%w: "+format, append([]any{ErrInvalidOption}, args...)...))
}

// refused returns a copy of o that is refused.
func (o *options) refused(format string, args ...any) *options {
	other := *o
	other.refuse(format, args...)
	return &other
}

// WithExpire gives the lock a lease of d that is not renewed: it ends d after it was
// acquired, whatever happens, with ErrLockExpired. d is at least 5 ms, or Forever. If
// the store's shortest lease is longer than d (see driver.Features.MinLease), the lock
// ends after d all the same; a holder that is frozen then delays the others until the
// store's shortest lease is over. It does not go with WithKeepAlive or WithMaxHold.
func WithExpire(d time.Duration) Option {
	return func(o *options) {
		if d < leastLease {
			o.refuse("WithExpire must be at least %v, or Forever; is %v", leastLease, d)
		}
		o.expire = &d
	}
}

// WithKeepAlive gives the lock a lease of d that is renewed from a third of it
// on while the lock is held. It is the default, with the alias's lease. A
// holder that is killed or cut off leaves the key free after d, or after the
// store's shortest lease if that is longer. d is at least 5 ms, and not Forever.
func WithKeepAlive(d time.Duration) Option {
	return func(o *options) {
		switch {
		case d < leastLease:
			o.refuse("WithKeepAlive must be at least %v; is %v", leastLease, d)
		case d == Forever:
			o.refuse("WithKeepAlive(Forever): a lease without end is never renewed; use WithExpire(Forever)")
		}
		o.keepAlive = &d
	}
}

// WithMaxHold ends a renewed lease d after it was acquired, with ErrLockExpired, so
// that a holder that hangs does not keep the key for ever. d is at least the lease, and
// not Forever; it does not go with WithExpire. The default is no limit.
func WithMaxHold(d time.Duration) Option {
	return func(o *options) {
		if d < leastLease || d == Forever {
			o.refuse("WithMaxHold must be at least the lease, and not Forever; is %v", d)
		}
		o.maxHold = &d
	}
}

// WithWait waits up to d for a key that is held; Forever waits until the context
// ends. The default, 0, is not to wait. d is not negative. A wait outlives an outage, a
// call that hangs and a grant that comes too late: it goes on asking until d is over. A
// request is not cut short by d, so that a wait of a millisecond gets a free key of a
// store that is further away: it has two seconds, or the lease if that is shorter, which
// a wait may take longer than d.
func WithWait(d time.Duration) Option {
	return func(o *options) {
		if d < 0 {
			o.refuse("WithWait must not be negative; is %v", d)
		}
		o.wait = d
	}
}

// WithRaise with false makes Acquire return nil when the key is held by another: Active
// tells whether the lock was acquired. The default is true. Do and Hold return
// ErrLockActive in any case.
func WithRaise(raise bool) Option {
	return func(o *options) { o.quiet = !raise }
}

// WithKeep makes Release leave the key held until the end of the lease, so that a job
// that is done is not done again before then. It needs WithExpire, of less than Forever.
// The default is to free the key. Where the store can't, Acquire is ErrUnsupported.
func WithKeep() Option {
	return func(o *options) { o.keep = true }
}

// WithKeepOnSuccess is WithKeep for a Do whose function returned nil. After an error or
// a panic of the function, and after a Release, the key is free. It needs WithExpire, of
// less than Forever, and does not go with WithKeep. The default is to free the key.
// Where the store can't, Acquire is ErrUnsupported.
func WithKeepOnSuccess() Option {
	return func(o *options) { o.keepOnSuccess = true }
}

// WithMinHold makes Release leave the key held until d after it was acquired. Where a
// store frees a dead holder's lease by time, the key stays held for that long also
// when the holder dies. The default is 0; d is not negative, not Forever, and at most
// WithExpire's or WithMaxHold's. Where the store can't, Acquire is ErrUnsupported.
func WithMinHold(d time.Duration) Option {
	return func(o *options) {
		if d < 0 || d == Forever {
			o.refuse("WithMinHold must not be negative or Forever; is %v", d)
		}
		o.minHold = d
	}
}

// WithFencing refuses a store that gives no fencing tokens: Acquire is ErrUnsupported.
// The default is to use any store; Token returns 0 where it gives none.
func WithFencing() Option {
	return func(o *options) { o.fencing = true }
}

// WithLabel names the holder, for Inspect, events, and the errors of others that find
// the key held, in at most 255 bytes. The default is no label; host and process id are
// recorded in any case.
func WithLabel(label string) Option {
	return func(o *options) {
		if len(label) > 255 {
			o.refuse("WithLabel takes at most 255 bytes; has %d", len(label))
		}
		o.label = label
	}
}

// WithRegistry looks the alias up in r. The default is concurrent.Default().
func WithRegistry(r *concurrent.Registry) Option {
	return func(o *options) {
		if r == nil {
			o.refuse("WithRegistry(nil): leave the option out for the default registry")
		}
		o.registry = r
	}
}

// keeps reports whether a release may leave the key held.
func (o *options) keeps() bool { return o.keep || o.keepOnSuccess || o.minHold > 0 }

// terms returns the lease's length and whether it is renewed.
func (o *options) terms(aliasLease time.Duration) (length time.Duration, renewed bool) {
	switch {
	case o.expire != nil:
		return *o.expire, false
	case o.keepAlive != nil:
		return *o.keepAlive, true
	}
	return aliasLease, aliasLease != Forever
}

// registryOr returns the registry to look the alias up in.
func (o *options) registryOr() *concurrent.Registry {
	if o.registry != nil {
		return o.registry
	}
	return concurrent.Default()
}
