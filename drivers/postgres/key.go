package postgres

import (
	"crypto/sha256"
	"encoding/binary"
	"strconv"
)

// places are the numbers of the advisory locks that a key stands for.
type places struct {
	lock   int64 // the key itself: exclusively, or shared by readers and permits
	wait   int64 // shared by sessions with waiters: whoever releases looks at it
	writer int64 // shared by sessions with waiting writers: readers look at it
	gate   int64 // taken for the moment in which a session comes in beside others
	shared int64 // shared by sessions with readers
	// The key as a semaphore: shared by sessions with permits; and by those of them
	// that found that others ask with other numbers; the last 17 bits of slots are free.
	permits, uneven, slots int64
}

// slotBits is how many bits number the permits of a semaphore, and, with the bit
// before them, its size.
const slotBits = 16

// numberOf is the number of a key's lock, by a strong hash, so that no other
// user of advisory locks in the database is met by accident. Two keys that have
// one number exclude each other, which costs nothing but time: leases are found
// by number first, and everything else is made of it.
func numberOf(schema, key string) int64 {
	var room [64 + 1024 + 64]byte
	b := append(room[:0], byte(len(schema)))
	b = append(b, schema...)
	b = append(b, key...)
	sum := sha256.Sum256(b)
	return int64(binary.BigEndian.Uint64(sum[:]))
}

// placesOf makes a key's other numbers of its first, each by a permutation of
// all numbers, so that keys meet in none of them more often than in the first.
func placesOf(lock int64) places {
	return places{
		lock: lock, wait: mixed(lock, 1), writer: mixed(lock, 2), gate: mixed(lock, 3), shared: mixed(lock, 4),
		permits: mixed(lock, 6), uneven: mixed(lock, 7),
		slots: mixed(lock, 5) &^ (1<<(slotBits+1) - 1),
	}
}

// mixed is the finalizer of Steele and others' SplitMix (OOPSLA 2014).
func mixed(n int64, which uint64) int64 {
	z := uint64(n) + which*0x9e3779b97f4a7c15
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return int64(z ^ z>>31)
}

// size is what sessions share that hold permits of n.
func (p *places) size(n int) int64 { return p.slots + 1<<slotBits - 1 + int64(n) }

// slot is the lock of one permit.
func (p *places) slot(i int32) int64 { return p.slots + int64(i) }

// channel is where the stores of a schema are told of releases. Its name is never
// longer than the server takes, with a seat behind it.
func channel(schema string) string {
	return "concurrent:" + strconv.FormatUint(uint64(numberOf(schema, "")), 16)
}
