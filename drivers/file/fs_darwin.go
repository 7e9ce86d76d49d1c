package file

import (
	"fmt"

	"golang.org/x/sys/unix"

	"github.com/concurrent-go/concurrent/driver"
)

// checkFileSystem refuses a file system that other machines may share: leases
// are counted on this machine's clock, and locks may not work there at all.
func checkFileSystem(dir string) ([]error, error) {
	var st unix.Statfs_t
	if err := unix.Statfs(dir, &st); err != nil {
		return nil, unavailable("directory "+dir, err)
	}
	if st.Flags&unix.MNT_LOCAL == 0 {
		return nil, fmt.Errorf("%w: directory %s is on a network file system (%s), which other machines may use too; name one on a local disk",
			driver.ErrUnfit, dir, unix.ByteSliceToString(st.Fstypename[:]))
	}
	return nil, nil
}
