package reply

import (
	"time"

	"github.com/concurrent-go/concurrent/driver"
)

const (
	// Longest is from which length on a lease is one without end: Redis counts
	// in microseconds, and Lua in floating point.
	Longest = 100 * 365 * 24 * time.Hour
	// spareBits is how many bits of a token are for those to whom a lease is passed.
	spareBits = 10
	// Spare is how often a lease can be passed on: see driver.Grant.
	Spare = 1<<spareBits - 1
)

// Token returns the fencing token for one of a script's.
func Token(n uint64) uint64 { return n << spareBits }

// An Acquired is a reply of acquire.lua: a token, or why there is none.
type Acquired struct {
	Granted   uint64        // the token as the scripts count; 0: not granted
	OtherMode bool          // the owner holds the key in another mode
	For       time.Duration // for how long the key may be held, if it is held
	Before    int           // about how many wait before this waiter
	Last      uint64        // the newest token, as the scripts count
	Place     int64         // where this waiter stands in the queue: it finds it faster the next time
	Age       time.Duration // for how long Holder has held the key
	Holder    driver.Holder // one of those who hold it; zero: not known
}

// The first number of a reply that is no token.
const (
	isHeld    = 0
	otherMode = 2
)

// Acquire reads a reply of acquire.lua: its numbers and, of a refusal, its table.
func Acquire(numbers []int64, table []any) (a Acquired, err error) {
	switch {
	case len(numbers) == 0:
	case numbers[0] == isHeld:
		return refusal(numbers, table)
	case numbers[0] == otherMode:
		return Acquired{OtherMode: true}, nil
	case numbers[0] > otherMode:
		return Acquired{Granted: uint64(numbers[0])}, nil
	}
	return a, ErrForm
}

// refusal reads a reply that is no grant.
func refusal(numbers []int64, table []any) (a Acquired, err error) {
	if len(numbers) != 6 || len(table) != 7 || numbers[1] < -1 {
		return a, ErrForm
	}
	for _, n := range numbers[2:] {
		if n < 0 {
			return a, ErrForm
		}
	}
	holder, ok := table[6].(string)
	if !ok {
		return a, ErrForm
	}
	a = Acquired{For: micros(numbers[1]), Before: int(numbers[2]), Last: uint64(numbers[3]), Place: numbers[4]}
	if holder != "" {
		a.Age, a.Holder = micros(numbers[5]), Holder(holder)
	}
	return a, nil
}

// IsHeld reports whether another holds the key, or waits first for it.
func (a *Acquired) IsHeld() bool { return a.Granted == 0 && !a.OtherMode }

// micros returns n µs as a duration; a negative one, or one longer than any lease, is
// Forever.
func micros(n int64) time.Duration {
	if n < 0 || n > int64(Longest/time.Microsecond) {
		return driver.Forever
	}
	return time.Duration(n) * time.Microsecond
}

// Done reads a reply of a script that has 1 for done and 0 where there was nothing to do.
func Done(numbers []int64) (done bool, err error) {
	if len(numbers) == 0 || numbers[0] != 0 && numbers[0] != 1 {
		return false, ErrForm
	}
	return numbers[0] == 1, nil
}
