package chaos

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	_ "github.com/concurrent-go/concurrent/drivers/file"
)

// nobody is whom processes run as that are to be refused something: root is
// refused nothing.
const nobody = 65534

var file = Harness{Name: "file", User: unprivileged(), Start: startFile}

func unprivileged() uint32 {
	if os.Getuid() == 0 {
		return nobody
	}
	return 0
}

func startFile(t testing.TB, _ uint64) *Place {
	above, err := os.MkdirTemp("", "chaos-file") //nolint:usetesting // t.TempDir is root's alone
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(above); err != nil {
			t.Error(err)
		}
	})
	dir := filepath.Join(above, "locks")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	p := &Place{
		URL:     func(int) string { return "file://" + dir },
		Version: "a folder of the system's",
		Faults: []Fault{{
			Name: "permission taken away", On: "folder",
			Begin: func() error { return os.Chmod(dir, 0o500) },
			End:   func() error { return os.Chmod(dir, 0o700) },
		}},
	}
	if os.Getuid() != 0 {
		return p
	}
	small(t, dir)
	p.Version = "a tmpfs of 1 MB"
	p.Faults = append(p.Faults, full(filepath.Join(dir, "full")))
	if err := errors.Join(os.Chmod(above, 0o755), os.Chown(dir, nobody, nobody)); err != nil {
		t.Fatal(err)
	}
	return p
}

// small makes dir a disk that is soon full.
func small(t testing.TB, dir string) {
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size=1m,mode=0700"); err != nil {
		t.Fatalf("a small disk can't be made: %v", err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(dir, unix.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
}

// full fills the disk with a file at path.
func full(path string) Fault {
	return Fault{
		Name: "disk full", On: "disk",
		Begin: func() error {
			f, err := os.Create(path)
			if err != nil {
				return err
			}
			defer func() { _ = f.Close() }()
			for block := make([]byte, 4096); ; {
				if _, err := f.Write(block); errors.Is(err, syscall.ENOSPC) {
					return nil
				} else if err != nil {
					return err
				}
			}
		},
		End: func() error { return os.Remove(path) },
	}
}
