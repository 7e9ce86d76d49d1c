package file

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// swap puts next in the place of data in one step, and the old data, if the
// file system can exchange two names, in the place of next. Exchanging is ten
// times as fast as replacing on ext4, which starts to write a file to the disk
// when it replaces another (mount option auto_da_alloc, ext4(5)).
func swap(next, data string) error {
	err := unix.Renameat2(unix.AT_FDCWD, next, unix.AT_FDCWD, data, unix.RENAME_EXCHANGE)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, unix.ENOENT), // no data yet
		errors.Is(err, unix.EINVAL), // the file system can't exchange
		errors.Is(err, unix.ENOSYS),
		errors.Is(err, unix.EPERM): // refused by a sandbox that does not know the call
		return os.Rename(next, data)
	}
	return &os.LinkError{Op: "exchange", Old: next, New: data, Err: err}
}
