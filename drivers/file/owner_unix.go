//go:build unix

package file

import (
	"fmt"
	"io/fs"
	"os"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/concurrent-go/concurrent/driver"
)

// checkOwner refuses a directory in which others could take and break locks.
func checkOwner(dir string, fi fs.FileInfo) error {
	if st, ok := fi.Sys().(*syscall.Stat_t); ok && int(st.Uid) != os.Geteuid() {
		return fmt.Errorf("%w: directory %s belongs to user %d, not to user %d who runs this program; name a directory of one's own",
			driver.ErrUnfit, dir, st.Uid, os.Geteuid())
	}
	if m := fi.Mode().Perm(); m&0o022 != 0 {
		return fmt.Errorf("%w: others can write to directory %s (mode %04o); chmod go-w %s mends it, or name a directory of one's own",
			driver.ErrUnfit, dir, m, dir)
	}
	return nil
}

// checkPermission asks whether files can be made and replaced in dir. A file
// that is there already may be written all the same, so that trying one tells
// nothing.
func checkPermission(dir string) error {
	const want = unix.W_OK | unix.X_OK
	if err := unix.Faccessat(unix.AT_FDCWD, dir, want, unix.AT_EACCESS); err != nil {
		return &fs.PathError{Op: "access", Path: dir, Err: err}
	}
	return nil
}
