package locks

import "github.com/concurrent-go/concurrent/driver"

// Keyed makes the locks of many keys that differ in one value, such as an
// account's number. It is safe for concurrent use.
type Keyed[K any] struct {
	alias   string
	key     func(K) string
	options *options
}

// NewKeyed returns locks on alias whose keys are key(k). Options are checked
// once and shared by all of them. A nil key function is ErrInvalidOption, returned
// by Acquire, Hold and Do.
func NewKeyed[K any](alias string, key func(K) string, opts ...Option) *Keyed[K] {
	o := newOptions(opts)
	if key == nil {
		o = o.refused("NewKeyed's key function is nil")
	}
	return &Keyed[K]{alias: alias, key: key, options: o}
}

// Lock returns a new exclusive Lock for k. Two Locks for one k exclude each other
// as those of two processes do. It does no I/O.
func (y *Keyed[K]) Lock(k K) *Lock { return y.lock(k, driver.Exclusive) }

// Read returns a new Lock for k that readers share: see the function Read.
func (y *Keyed[K]) Read(k K) *Lock { return y.lock(k, driver.Shared) }

func (y *Keyed[K]) lock(k K, mode driver.Mode) *Lock {
	if y == nil {
		return &Lock{}
	}
	l := &Lock{alias: y.alias, mode: mode, options: y.options}
	if y.key != nil {
		l.key = y.key(k)
	}
	return l
}
