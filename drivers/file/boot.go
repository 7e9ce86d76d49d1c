package file

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/gofrs/flock"

	"github.com/concurrent-go/concurrent/driver"
)

// State files are not synced, so a machine that loses its power may leave them
// torn. Nobody has to mend that by hand: the file "boot" names the start of the
// machine in which the directory was last used, and is synced. Whoever opens
// the directory first after another start removes the state files that are
// torn: all who held a lease in them are gone. A state file found torn in the
// same life of the machine is an error.

func bootLock(dir string) string { return filepath.Join(dir, "lock-boot") }

// checkBoot does what is due after a start of the machine.
func checkBoot(ctx context.Context, dir string, boot [16]byte) error {
	lock := flock.New(bootLock(dir), flock.SetPermissions(0o600))
	ok, err := lock.TryLockContext(ctx, 2*time.Millisecond)
	switch {
	case ctx.Err() != nil:
		return fmt.Errorf("%w: %s is locked by another process: %w", driver.ErrUnavailable, lock.Path(), ctx.Err())
	case err != nil || !ok:
		return unavailable("lock file", err)
	}
	defer func() { _ = lock.Unlock() }()

	name, want := filepath.Join(dir, "boot"), hex.EncodeToString(boot[:])+"\n"
	got, err := os.ReadFile(name)
	switch {
	case err == nil && string(got) == want:
		return nil
	case err == nil:
		if _, err := hex.DecodeString(strings.TrimSpace(string(got))); err != nil || len(got) != len(want) {
			return fmt.Errorf("%w: %w: %s names no start of a machine; remove that file, no lease is lost by it", driver.ErrUnavailable, ErrDamaged, name)
		}
		if err := removeTorn(dir); err != nil {
			return err
		}
	case !errors.Is(err, fs.ErrNotExist):
		return unavailable("boot file", err)
	}
	if err := writeSynced(name, want); err != nil {
		return unavailable("boot file", err)
	}
	return nil
}

func removeTorn(dir string) error {
	for i := range shards {
		var sh shard
		sh.init(dir, i)
		if err := sh.load(); errors.Is(err, ErrDamaged) {
			if err := os.Remove(sh.data); err != nil {
				return unavailable("state file", err)
			}
		}
	}
	return nil
}

// writeSynced writes a file so that it is there in full or not at all, also
// after a loss of power.
func writeSynced(name, content string) error {
	next := name + "-next"
	f, err := os.OpenFile(next, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.WriteString(content)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Rename(next, name)
}
