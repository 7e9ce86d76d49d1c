package file

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/concurrent-go/concurrent/driver"
)

// prepare makes sure that dir exists, belongs to the user, can be written, and
// is on a file system that keeps locks. What is missing of its path is made
// with mode 0700. It returns what else should be known.
//
// The last name of the path must be the directory itself and no symbolic link,
// so that nobody who may write in its parent chooses another directory for us.
// Its parents are taken as they are.
func prepare(dir string) (fs.FileInfo, []error, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, nil, fmt.Errorf("%w: directory %s can't be made: %w", driver.ErrUnavailable, dir, err)
	}
	fi, err := os.Lstat(dir)
	switch {
	case err != nil:
		return nil, nil, unavailable("directory", err)
	case fi.Mode()&fs.ModeSymlink != 0:
		return nil, nil, fmt.Errorf("%w: %s is a symbolic link; name the directory that it leads to", driver.ErrUnfit, dir)
	case !fi.IsDir():
		return nil, nil, fmt.Errorf("%w: %s is no directory; name one", driver.ErrUnfit, dir)
	}
	if err := checkOwner(dir, fi); err != nil {
		return nil, nil, err
	}
	warnings, err := checkFileSystem(dir)
	if err != nil {
		return nil, nil, err
	}
	if err := checkWritable(dir); err != nil {
		return nil, nil, err
	}
	return fi, warnings, nil
}

// checkWritable asks for permission and makes the first file, so that a
// directory that can't be written is found when it is opened.
func checkWritable(dir string) error {
	err := checkPermission(dir)
	if err == nil {
		var f *os.File
		if f, err = os.OpenFile(bootLock(dir), os.O_RDWR|os.O_CREATE, 0o600); err == nil {
			return f.Close()
		}
	}
	if errors.Is(err, fs.ErrPermission) {
		return fmt.Errorf("%w: directory %s can't be written by this user; name one that can, or chmod u+rwx it: %w", driver.ErrUnavailable, dir, err)
	}
	return fmt.Errorf("%w: directory %s can't be written: %w", driver.ErrUnavailable, dir, err)
}
