package file

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"

	"github.com/gofrs/flock"

	"github.com/concurrent-go/concurrent/driver"
)

// maxSlots is how many stores can be open on one directory at once.
const maxSlots = 4096

// A slot file is locked by a living store as long as it is open; the kernel
// unlocks it when the process ends, in whatever way. The file stays and the
// slot is used again. It holds the life of its user, which tells it from other
// users of the slot, twice, once inverted, so that foreign content is not taken
// for one; and a counter for each state file, by which others call the store to
// look at it: a counter is changed by whoever has entered the state file. The
// first bytes are left free, since on Windows a lock on them keeps others from
// reading them.
const (
	slotLife  = 8
	slotCalls = 24
	slotSize  = slotCalls + shards
)

// lifeBytes is how a life stands in a slot file. 0 is nobody's.
func lifeBytes(life uint64) (b [slotCalls - slotLife]byte) {
	binary.LittleEndian.PutUint64(b[:], life)
	binary.LittleEndian.PutUint64(b[8:], ^life)
	return b
}

// readLife returns the life in a slot file, and whether one is there.
func readLife(f io.ReaderAt) (life uint64, ok bool) {
	var b [slotCalls - slotLife]byte
	if _, err := f.ReadAt(b[:], slotLife); err != nil {
		return 0, false
	}
	life = binary.LittleEndian.Uint64(b[:])
	return life, b == lifeBytes(life)
}

func slotFile(dir string, n uint32) string {
	return filepath.Join(dir, fmt.Sprintf("live-%04d", n))
}

// A slot is the place of an open Store.
type slot struct {
	seat seat
	name string
	lock *flock.Flock
	file *os.File
	seen [shards]byte
	// orphaned: the last user of the slot was killed.
	orphaned bool
}

// claim takes the first free slot.
func claim(ctx context.Context, dir string) (*slot, error) {
	for n := range uint32(maxSlots) {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		s := &slot{name: slotFile(dir, n), seat: seat{slot: n, life: rand.Uint64() | 1}}
		s.lock = flock.New(s.name, flock.SetPermissions(0o600))
		ok, err := s.lock.TryLock()
		if err != nil {
			return nil, unavailable("directory can't be used", err)
		}
		if !ok {
			continue
		}
		if err := s.enrol(); err != nil {
			_ = s.lock.Unlock()
			return nil, err
		}
		return s, nil
	}
	return nil, fmt.Errorf("%w: %s has %d open stores, the most that it can have", driver.ErrUnavailable, dir, maxSlots)
}

// enrol writes the life of a slot that was just locked. Before that, others
// take the store for the last user of the slot, which is dead, and hold its
// leases for alive a moment longer.
func (s *slot) enrol() error {
	other := flock.New(s.name, flock.SetPermissions(0o600))
	switch ok, err := other.TryRLock(); {
	case err != nil:
		return unavailable("slot file", err)
	case ok:
		_ = other.Unlock()
		return fmt.Errorf("%w: the file system of %s does not keep locks (flock); use a directory on a local disk", driver.ErrUnfit, s.name)
	}
	f, err := os.OpenFile(s.name, os.O_RDWR, 0o600)
	if err != nil {
		return unavailable("slot file", err)
	}
	fi, err := f.Stat()
	if err != nil {
		_ = f.Close()
		return unavailable("slot file", err)
	}
	last, ok := readLife(f)
	s.orphaned = fi.Size() > 0 && (!ok || last != 0)
	b := make([]byte, slotSize-slotLife)
	life := lifeBytes(s.seat.life)
	copy(b, life[:])
	if _, err := f.WriteAt(b, slotLife); err != nil {
		_ = f.Close()
		return unavailable("slot file", err)
	}
	s.file = f
	return nil
}

// free gives the slot back. From then on its store counts as dead.
func (s *slot) free() {
	// What can't be written here is told by the lock too.
	nobody := lifeBytes(0)
	_, _ = s.file.WriteAt(nobody[:], slotLife)
	_ = s.file.Close()
	_ = s.lock.Unlock()
}

// calls returns the state files that others want this store to look at, since
// the last time.
func (s *slot) calls() (out []int) {
	var b [shards]byte
	if _, err := s.file.ReadAt(b[:], slotCalls); err != nil {
		return nil
	}
	for i := range b {
		if b[i] != s.seen[i] {
			out = append(out, i)
		}
	}
	s.seen = b
	return out
}

// call asks the store at a seat to look at state file i, which the caller has
// entered. If it fails the other finds out by itself, later.
func call(dir string, s seat, i int) {
	f, err := os.OpenFile(slotFile(dir, s.slot), os.O_RDWR, 0o600)
	if err != nil {
		return
	}
	defer func() { _ = f.Close() }()
	var b [1]byte
	if _, err := f.ReadAt(b[:], int64(slotCalls+i)); err != nil {
		return
	}
	b[0]++
	_, _ = f.WriteAt(b[:], int64(slotCalls+i))
}

// living reports whether the store at a seat lives: whether its slot is locked,
// and by that store. Where it can't be found out the answer is yes: nobody
// loses a lease because of a lack of file descriptors.
func living(dir string, s seat) bool {
	name := slotFile(dir, s.slot)
	f, err := os.Open(name)
	if err != nil {
		return !os.IsNotExist(err)
	}
	defer func() { _ = f.Close() }()
	if life, ok := readLife(f); ok && life != s.life {
		return false
	}
	probe := flock.New(name, flock.SetFlag(os.O_RDONLY))
	ok, err := probe.TryRLock()
	if ok {
		_ = probe.Unlock()
	}
	return !ok || err != nil
}
