package file

import (
	"errors"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/concurrent-go/concurrent/driver"
)

func TestANetworkFileSystemIsRefused(t *testing.T) {
	t.Parallel()
	if _, err := judge("/d", unix.NFS_SUPER_MAGIC); !errors.Is(err, driver.ErrUnfit) || !strings.Contains(err.Error(), "NFS") {
		t.Errorf("NFS: %v, want ErrUnfit", err)
	}
	if ws, err := judge("/d", unix.FUSE_SUPER_MAGIC); len(ws) != 1 || err != nil {
		t.Errorf("FUSE: %v, %v, want a warning", ws, err)
	}
	if ws, err := judge("/d", unix.EXT4_SUPER_MAGIC); len(ws) != 0 || err != nil {
		t.Errorf("ext4: %v, %v", ws, err)
	}
}
