package file

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"sync"

	"github.com/concurrent-go/concurrent/driver"
)

// A place is a directory that this process has open. The stores of one process
// on one directory share it, so that their goroutines wait for each other in
// memory and only the process competes with others for the kernel's locks.
type place struct {
	dir      string
	info     fs.FileInfo
	boot     [16]byte
	warnings []error
	shards   [shards]shard
	watch    *watch // nil: calls can't be watched

	users int // guarded by places

	mu     sync.Mutex
	stores map[uint32]*Store // by slot
}

var places struct {
	sync.Mutex
	open []*place
}

// openPlace returns the place for dir, checked, to be closed.
func openPlace(ctx context.Context, dir string) (*place, error) {
	info, warnings, err := prepare(dir)
	if err != nil {
		return nil, err
	}
	boot, err := bootID()
	if err != nil {
		return nil, fmt.Errorf("%w: the start of the machine can't be told: %w", driver.ErrUnfit, err)
	}
	if err := checkBoot(ctx, dir, boot); err != nil {
		return nil, err
	}
	places.Lock()
	defer places.Unlock()
	for _, p := range places.open {
		if p.dir == dir && os.SameFile(p.info, info) {
			p.users++
			return p, nil
		}
	}
	p := &place{dir: dir, info: info, boot: boot, warnings: warnings, users: 1, stores: map[uint32]*Store{}}
	for i := range p.shards {
		p.shards[i].init(dir, i)
	}
	if p.watch, err = newWatch(); err != nil {
		p.warnings = append(p.warnings, fmt.Errorf("file: changes in %s can't be watched, so waiters look every %v, and a broken lock is seen at its next renewal; raising fs.inotify.max_user_instances may prevent that: %w", dir, pollTime, err))
	}
	places.open = append(places.open, p)
	return p, nil
}

func (p *place) close() {
	places.Lock()
	defer places.Unlock()
	if p.users--; p.users > 0 {
		return
	}
	places.open = slices.DeleteFunc(places.open, func(q *place) bool { return q == p })
	if p.watch != nil {
		p.watch.close()
	}
}

// check reports whether the directory is still the one that was opened. It is
// asked after entering a shard: its files are then known to be in that
// directory.
func (p *place) check() error {
	fi, err := os.Lstat(p.dir)
	if err != nil {
		return unavailable("directory", err)
	}
	if !os.SameFile(fi, p.info) {
		return fmt.Errorf("%w: directory %s was replaced by another since it was opened; open the store again", driver.ErrUnavailable, p.dir)
	}
	return nil
}

func (p *place) store(slot uint32) *Store {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.stores[slot]
}

// alive reports whether the store at a seat lives.
func (p *place) alive(s seat) bool {
	if st := p.store(s.slot); st != nil && st.seat == s {
		return true
	}
	return living(p.dir, s)
}

// call asks the store at a seat to look at state file i, which the caller has
// entered.
func (p *place) call(s seat, i int) {
	if st := p.store(s.slot); st != nil {
		if st.seat == s {
			st.serve(i)
		}
		return
	}
	call(p.dir, s, i)
}
