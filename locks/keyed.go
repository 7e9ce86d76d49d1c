package locks

// Keyed makes the locks of many keys that differ in one value, such as an
// account's number. It is safe for concurrent use.
type Keyed[K any] struct {
	alias string
	key   func(K) string
	set   *settings
}

// NewKeyed returns locks on alias whose keys are key(k). Options are checked
// once and shared by all of them. A nil key function is ErrInvalidOption, told
// by Acquire and Do.
func NewKeyed[K any](alias string, key func(K) string, opts ...Option) *Keyed[K] {
	set := settle(opts)
	if key == nil {
		refused := *set
		refused.refuse("NewKeyed's key function is nil")
		set = &refused
	}
	return &Keyed[K]{alias: alias, key: key, set: set}
}

// Lock returns a new Lock value for k. Two values for one k exclude each other
// as those of two processes do.
func (y *Keyed[K]) Lock(k K) *Lock {
	l := &Lock{alias: y.alias, set: y.set}
	if y.key != nil {
		l.key = y.key(k)
	}
	return l
}
