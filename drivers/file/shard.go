package file

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"path/filepath"
	"runtime"
	"time"

	"github.com/gofrs/flock"

	"github.com/concurrent-go/concurrent/driver"
)

// shards is how many state files a directory has. With a thousand leases
// held, each file has sixteen, a few kilobytes; and a process frozen in the
// middle of a change stops one key in 64.
const shards = 64

// ErrDamaged is matched by the error of a call whose state file was damaged or
// written by something else. The error names the file. It matches
// driver.ErrUnavailable too.
var ErrDamaged = errors.New("file: damaged state file")

// A shard is the keys of one state file, as one process sees it. There are
// three files: lock is created once and never renamed nor removed; data is the
// state; next is where the next state is written before it becomes data.
//
// Nothing is synced to the disk. A machine that lost its power has lost every
// holder too, and tokens begin at the clock: the state is worth nothing then.
type shard struct {
	lock, data, next string

	turn  chan struct{} // one goroutine of this process at a time
	flock *flock.Flock  // one process at a time

	// Owned by whoever has entered.
	in, out, scratch []byte
	im               image
}

func (sh *shard) init(dir string, i int) {
	sh.lock = filepath.Join(dir, fmt.Sprintf("lock-%02d", i))
	sh.data = filepath.Join(dir, fmt.Sprintf("data-%02d", i))
	sh.next = filepath.Join(dir, fmt.Sprintf("next-%02d", i))
	sh.turn = make(chan struct{}, 1)
	sh.flock = flock.New(sh.lock, flock.SetPermissions(0o600))
}

// enter waits for the shard, as long as ctx allows and until closing is
// closed. Nothing was changed if it fails.
func (sh *shard) enter(ctx context.Context, closing <-chan struct{}) error {
	select {
	case sh.turn <- struct{}{}:
	default:
		select {
		case sh.turn <- struct{}{}:
		case <-closing:
			return driver.ErrClosed
		case <-ctx.Done():
			return sh.stuck(ctx)
		}
	}
	err := sh.enterFile(ctx, closing)
	if err != nil {
		<-sh.turn
	}
	return err
}

// enterFile asks for the kernel's lock again and again: waiting for it in the
// kernel would take a thread that no context can call back. A change takes
// some 20 µs, so the pauses begin there and are never longer than 2 ms.
func (sh *shard) enterFile(ctx context.Context, closing <-chan struct{}) error {
	for i := 0; ; i++ {
		ok, err := sh.flock.TryLock()
		switch {
		case err != nil:
			return unavailable("lock file", err)
		case ok:
			return nil
		case i < 3:
			runtime.Gosched()
			continue
		}
		pause := min(20*time.Microsecond<<min(i/2, 10), 2*time.Millisecond)
		t := time.NewTimer(pause/2 + rand.N(pause))
		select {
		case <-t.C:
		case <-closing:
			t.Stop()
			return driver.ErrClosed
		case <-ctx.Done():
			t.Stop()
			return sh.stuck(ctx)
		}
	}
}

func (sh *shard) stuck(ctx context.Context) error {
	return fmt.Errorf("%w: %s is locked by a process in the middle of a change; if it is frozen, let it go on or end it: %w",
		driver.ErrUnavailable, sh.lock, ctx.Err())
}

func (sh *shard) leave() {
	// Unlock closes the file, which unlocks it even where unlocking failed.
	_ = sh.flock.Unlock()
	<-sh.turn
}

// load reads the state into im. A missing file is an empty state.
func (sh *shard) load() error {
	b, err := readInto(sh.data, sh.in)
	sh.in = b[:0]
	if errors.Is(err, fs.ErrNotExist) {
		sh.im = image{parked: sh.im.parked[:0]}
		return nil
	}
	if err != nil {
		return unavailable("state file", err)
	}
	if err := decodeImage(b, &sh.im); err != nil {
		return damaged(sh.data, err)
	}
	return nil
}

// save makes b the state. If it fails, the state is what it was.
func (sh *shard) save(b []byte) error {
	err := overwrite(sh.next, b)
	if err == nil {
		err = swap(sh.next, sh.data)
	}
	if err != nil {
		return unavailable("state file", err)
	}
	return nil
}

// snapshot reads the state without entering, for those who only look. It can
// meet a file that is written again after it was exchanged: then it looks
// again. What is damaged stays as it is, and what is being written does not:
// every state has another time in it.
func (sh *shard) snapshot(im *image) error {
	var last []byte
	for try := 0; ; try++ {
		b, err := readInto(sh.data, nil)
		if errors.Is(err, fs.ErrNotExist) {
			*im = image{}
			return nil
		}
		if err != nil {
			return unavailable("state file", err)
		}
		if err = decodeImage(b, im); err == nil {
			return nil
		}
		if try > 0 && bytes.Equal(b, last) {
			return damaged(sh.data, err)
		}
		last = b
		runtime.Gosched()
	}
}

func unavailable(what string, err error) error {
	return fmt.Errorf("%w: %s: %w", driver.ErrUnavailable, what, err)
}

func damaged(name string, err error) error {
	return fmt.Errorf("%w: %w: %s: %w; end the programs that use the directory, then remove that file: leases on its keys are lost, those of other files are not",
		driver.ErrUnavailable, ErrDamaged, name, err)
}

// shardOf returns the state file that a key is in: FNV-1a, folded.
func shardOf(key string) int {
	h := uint64(14695981039346656037)
	for i := range len(key) {
		h = (h ^ uint64(key[i])) * 1099511628211
	}
	return int((h ^ h>>32) % shards)
}
