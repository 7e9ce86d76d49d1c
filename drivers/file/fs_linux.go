package file

import (
	"fmt"

	"golang.org/x/sys/unix"

	"github.com/concurrent-go/concurrent/driver"
)

// Magic numbers of file systems that other machines may share, from the
// kernel's include/uapi/linux/magic.h and the file systems' own headers.
var shared = map[int64]string{
	unix.NFS_SUPER_MAGIC:   "NFS",
	unix.SMB_SUPER_MAGIC:   "SMB",
	unix.SMB2_SUPER_MAGIC:  "SMB",
	unix.CIFS_SUPER_MAGIC:  "CIFS",
	unix.AFS_SUPER_MAGIC:   "AFS",
	unix.AFS_FS_MAGIC:      "AFS",
	unix.CODA_SUPER_MAGIC:  "Coda",
	unix.CEPH_SUPER_MAGIC:  "Ceph",
	unix.OCFS2_SUPER_MAGIC: "OCFS2",
	unix.V9FS_MAGIC:        "9p",
	0x01161970:             "GFS2",
	0x0bd00bd0:             "Lustre",
	0x47504653:             "GPFS",
}

// checkFileSystem refuses a file system that other machines may share: leases
// are counted on this machine's clock, and locks may not work there at all.
func checkFileSystem(dir string) ([]error, error) {
	var st unix.Statfs_t
	if err := unix.Statfs(dir, &st); err != nil {
		return nil, unavailable("directory "+dir, err)
	}
	// The type is 32 bits wide, and signed on some machines.
	return judge(dir, int64(uint32(st.Type)))
}

func judge(dir string, magic int64) ([]error, error) {
	if name, ok := shared[magic]; ok {
		return nil, fmt.Errorf("%w: directory %s is on a network file system (%s), which other machines may use too; name one on a local disk or in memory",
			driver.ErrUnfit, dir, name)
	}
	if magic == unix.FUSE_SUPER_MAGIC {
		return []error{fmt.Errorf("file: directory %s is on a FUSE file system: if other machines can use it too, they may hold the same locks at the same time; a directory on a local disk prevents that", dir)}, nil
	}
	return nil, nil
}
