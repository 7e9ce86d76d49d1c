package driver

import (
	"fmt"
	"strconv"
	"time"
)

// MaxKey is the length of the longest key, in bytes, an alias's prefix
// included.
const MaxKey = 1024

// MaxSlots is the size of the largest semaphore.
const MaxSlots = 1 << 16

// A Request says what is asked for. Extend and Release need Key, Owner and
// Mode as they were when the lease was granted.
type Request struct {
	// Key is any bytes, 1 to MaxKey of them.
	Key string
	// Owner identifies the grant asked for. Nobody can guess it, and it is
	// never used again for another grant. 1 to 64 printable ASCII bytes
	// without space.
	Owner string
	// Lease is how long the key is to be held, counted on the store's clock:
	// at least Features.MinLease, or Forever.
	Lease time.Duration
	// Mode says whom the lease excludes.
	Mode Mode
	// Holder says who asks, for Inspect.
	Holder Holder
	// Brief says, to Acquire of a [Waiter], that the caller takes a lease that is
	// shorter at first and extends it himself: see Grant.Lease.
	Brief bool
	// OnHeld, if it is not nil, is called by Acquire of a [Waiter] each time the
	// store has said that the key is held while the call goes on waiting. It
	// returns at once, and may be called from any goroutine until Acquire has
	// returned. A wait that ends without it may have met nothing but an outage.
	//
	// A driver that calls it must do so in every wait: package locks takes five
	// seconds without it for a server that hangs, ends the call, and asks again.
	OnHeld func(*HeldError) `json:"-"`
}

// A Holder describes who holds a lease, for people to read. Any part may be
// empty. Host and Label are at most 255 bytes each.
type Holder struct {
	Host  string // name of the machine
	PID   int    // process id there
	Label string // what the program calls itself
}

// String returns what is known of the holder on one line, such as
// `"nightly" (pid 12 on web1)`.
func (h Holder) String() string {
	var where string
	switch {
	case h.PID != 0 && h.Host != "":
		where = fmt.Sprintf("pid %d on %s", h.PID, h.Host)
	case h.PID != 0:
		where = fmt.Sprintf("pid %d", h.PID)
	default:
		where = h.Host
	}
	switch {
	case h.Label == "":
		return where
	case where == "":
		return strconv.Quote(h.Label)
	}
	return strconv.Quote(h.Label) + " (" + where + ")"
}

// A Mode says whom a lease excludes. The zero Mode is Exclusive.
type Mode int32

const (
	// Exclusive excludes everybody else.
	Exclusive Mode = 0
	// Shared excludes Exclusive leases only.
	Shared Mode = -1

	invalidMode Mode = -2
)

// Slots is one of n permits of a semaphore: it is granted while fewer than n are
// held, n from 1 to MaxSlots. Another n gives a Mode that every store refuses
// with ErrInvalidRequest.
func Slots(n int) Mode {
	if n < 1 || n > MaxSlots {
		return invalidMode
	}
	return Mode(n)
}

// Slots returns n for a Mode made by Slots(n), and 0 for the others.
func (m Mode) Slots() int { return max(0, int(m)) }

// Valid reports whether m is Exclusive, Shared, or Slots of a number in range.
func (m Mode) Valid() bool { return m >= Shared && m <= MaxSlots }

// Excludes reports whether a lease in mode m can't stand beside one in mode
// other, however many there are. Slots, of whatever numbers, can: a store counts
// those that are held, and compares with the n of the one that is asked for.
func (m Mode) Excludes(other Mode) bool {
	return m == Exclusive || m != other && min(m, other) <= 0
}

// String returns "exclusive", "shared", or "slots(n)".
func (m Mode) String() string {
	switch {
	case m == Exclusive:
		return "exclusive"
	case m == Shared:
		return "shared"
	case m > 0 && m <= MaxSlots:
		return "slots(" + strconv.Itoa(int(m)) + ")"
	}
	return "invalid mode"
}

// Check returns an error matching ErrInvalidRequest that says what is wrong
// with r's key, owner, mode or holder, or nil. It does not look at the lease:
// see CheckLease.
func (r *Request) Check() error {
	switch {
	case !r.Mode.Valid():
		return invalid("mode must be exclusive, shared, or slots of 1 to %d", MaxSlots)
	case !validOwner(r.Owner):
		return invalid("owner must be 1 to 64 printable ASCII bytes without space, is %d bytes", len(r.Owner))
	case len(r.Holder.Host) > maxText || len(r.Holder.Label) > maxText:
		return invalid("host and label must be at most %d bytes each", maxText)
	}
	return CheckKey(r.Key)
}

// CheckLease returns an error matching ErrInvalidRequest if r.Lease is shorter
// than least, the store's Features.MinLease.
func (r *Request) CheckLease(least time.Duration) error {
	if r.Lease < least {
		return invalid("lease must be at least %v, the shortest that this store grants, or Forever; is %v", least, r.Lease)
	}
	return nil
}

// CheckKey returns an error matching ErrInvalidRequest if key has not between
// 1 and MaxKey bytes.
func CheckKey(key string) error {
	switch {
	case key == "":
		return invalid("key must not be empty")
	case len(key) > MaxKey:
		return invalid("key must be at most %d bytes with its alias's prefix, is %d", MaxKey, len(key))
	}
	return nil
}

const (
	maxText  = 255
	maxOwner = 64
)

func validOwner(s string) bool {
	if s == "" || len(s) > maxOwner {
		return false
	}
	// Every store checks every request: eight bytes at a time take a tenth of a
	// lock's time less than one by one.
	for len(s) >= 8 {
		if !printable(uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24 |
			uint64(s[4])<<32 | uint64(s[5])<<40 | uint64(s[6])<<48 | uint64(s[7])<<56) {
			return false
		}
		s = s[8:]
	}
	for i := range len(s) {
		if s[i] <= ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}

// printable reports whether each of eight bytes is above ' ' and below DEL: the
// top bit of each stays 0 in itself and when 1 is added, and is set by adding
// what is missing from '!' to 128.
func printable(b uint64) bool {
	const each = 0x0101010101010101
	return (b|(b+each)|^(b+(0x80-'!')*each))&(0x80*each) == 0
}

func invalid(format string, args ...any) error {
	return fmt.Errorf("%w: "+format, append([]any{ErrInvalidRequest}, args...)...)
}
