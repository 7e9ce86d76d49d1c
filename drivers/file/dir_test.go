//go:build unix

package file

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/concurrent-go/concurrent/driver"
)

func tryOpen(t testing.TB, dir string) error {
	t.Helper()
	c, err := New(dir)
	if err != nil {
		t.Fatal(err)
	}
	s, err := c.Open(t.Context())
	if err == nil {
		_ = s.Close()
	}
	return err
}

func TestURLs(t *testing.T) {
	t.Parallel()
	good := map[string]string{
		"file:///run/user/1/locks":       "/run/user/1/locks",
		"file://localhost/srv/a/":        "/srv/a",
		"file:///with%20space/%23/%3F/x": "/with space/#/?/x",
		"file:///a/../b/./c":             "/b/c",
	}
	for in, want := range good {
		u, err := url.Parse(in)
		if err != nil {
			t.Fatal(err)
		}
		c, err := Driver{}.Connector(u)
		if err != nil || c.(connector).dir != want {
			t.Errorf("%s: %v, %v, want %s", in, c, err, want)
		}
	}
	bad := map[string]string{
		"file://dir/locks":   "three slashes",
		"file:dir/locks":     "relative",
		"file://":            "no path",
		"file:///":           "root",
		"file:///a/..":       "root",
		"file:///a?sync=1":   "sync=1",
		"file:///a?":         "no parameters",
		"file:///a#b":        "fragment",
		"file://u:s3cret@/a": "no user",
		"file:///a%00b":      "zero byte",
		"http:///a":          "file:",
	}
	for in, want := range bad {
		u, err := url.Parse(in)
		if err != nil {
			t.Fatal(err)
		}
		_, err = Driver{}.Connector(u)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%s: %v, want an error with %q", in, err, want)
		}
	}
	if _, err := New("locks"); err == nil {
		t.Error("New takes a relative path")
	}
}

func TestFilesAreBoundedAndPrivate(t *testing.T) {
	t.Parallel()
	parent := t.TempDir()
	dir := filepath.Join(parent, "new", "locks")
	a, b := openTest(t, dir), openTest(t, dir)
	rs := make([]driver.Request, 3000)
	for i := range rs {
		rs[i] = request(fmt.Sprint("key", i), time.Hour)
		acquire(t, []*Store{a, b}[i%2], rs[i])
	}
	if _, errs := a.ExtendAll(t.Context(), rs); errs != nil {
		t.Fatal(errs)
	}
	files, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	// lock, data and next of each state file; boot and its lock; two slots.
	if most := 3*shards + 2 + 2; len(files) > most {
		t.Errorf("%d files, want at most %d", len(files), most)
	}
	for _, f := range files {
		if fi, err := f.Info(); err != nil || fi.Mode() != 0o600 {
			t.Errorf("%s has mode %v, %v, want 0600", f.Name(), fi.Mode(), err)
		}
	}
	for _, d := range []string{dir, filepath.Dir(dir)} {
		if fi, err := os.Stat(d); err != nil || fi.Mode().Perm() != 0o700 {
			t.Errorf("%s has mode %v, %v, want 0700", d, fi.Mode(), err)
		}
	}
}

func TestReleasedKeysLeaveNothing(t *testing.T) {
	t.Parallel()
	dir := dirFor(t)
	s := openTest(t, dir)
	for i := range 500 {
		r := request(fmt.Sprint("key", i), time.Hour)
		acquire(t, s, r)
		if err := s.Release(t.Context(), r); err != nil {
			t.Fatal(err)
		}
	}
	for i := range shards {
		var im image
		if err := s.place.shards[i].snapshot(&im); err != nil || len(im.parked) > 0 {
			t.Errorf("state file %d: %d records, %v", i, len(im.parked), err)
		}
	}
}

func TestADirectoryThatOthersCanWriteToIsRefused(t *testing.T) {
	t.Parallel()
	for _, mode := range []os.FileMode{0o770, 0o707, 0o777, 0o777 | os.ModeSticky} {
		dir := dirFor(t)
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(dir, mode); err != nil {
			t.Fatal(err)
		}
		err := tryOpen(t, dir)
		if !errors.Is(err, driver.ErrUnfit) || !strings.Contains(err.Error(), "chmod go-w "+dir) {
			t.Errorf("mode %v: %v, want ErrUnfit that says chmod go-w", mode, err)
		}
		if err := os.Chmod(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := tryOpen(t, dir); err != nil {
			t.Errorf("mended: %v", err)
		}
	}
}

func TestADirectoryOfAnotherUserIsRefused(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Skip("giving a directory to another user needs root; CI runs this as root")
	}
	dir := dirFor(t)
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Chown(dir, 12345, 12345); err != nil {
		t.Fatal(err)
	}
	if err := tryOpen(t, dir); !errors.Is(err, driver.ErrUnfit) || !strings.Contains(err.Error(), "12345") {
		t.Errorf("%v, want ErrUnfit that names the owner", err)
	}
}

func TestALinkAndAFileAreRefused(t *testing.T) {
	t.Parallel()
	parent := t.TempDir()
	link, file := filepath.Join(parent, "link"), filepath.Join(parent, "file")
	if err := os.Symlink(t.TempDir(), link); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := tryOpen(t, link); !errors.Is(err, driver.ErrUnfit) || !strings.Contains(err.Error(), link) {
		t.Errorf("symbolic link: %v, want ErrUnfit that names it", err)
	}
	if err := tryOpen(t, file); !errors.Is(err, driver.ErrUnavailable) || !strings.Contains(err.Error(), file) {
		t.Errorf("file: %v, want ErrUnavailable that names it", err)
	}
}

// A directory below a file can't be made, and one under /proc can't be written
// by anybody.
func TestADirectoryThatCantBeWrittenIsNamed(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := tryOpen(t, file+"/locks"); !errors.Is(err, driver.ErrUnavailable) || !strings.Contains(err.Error(), file) {
		t.Errorf("below a file: %v, want ErrUnavailable that names it", err)
	}
	proc := fmt.Sprintf("/proc/%d/task", os.Getpid())
	if _, err := os.Stat(proc); err != nil {
		return
	}
	if err := tryOpen(t, proc); !errors.Is(err, driver.ErrUnavailable) || !strings.Contains(err.Error(), proc) {
		t.Errorf("%s: %v, want ErrUnavailable that names it", proc, err)
	}
}

// The process gives up root, if it has it, to meet a directory that it may not
// write.
func TestADirectoryWithoutPermissionIsNamed(t *testing.T) {
	t.Parallel()
	parent, err := os.MkdirTemp("", "file-test") //nolint:usetesting // t.TempDir is in a directory of root's
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(parent) })
	dir := filepath.Join(parent, "locks")
	if err := os.Mkdir(dir, 0o500); err != nil {
		t.Fatal(err)
	}
	cmd := part(openPart, dir)
	if os.Geteuid() == 0 {
		const nobody = 65534
		for _, d := range []string{parent, dir} {
			if err := os.Chown(d, nobody, nobody); err != nil {
				t.Fatal(err)
			}
		}
		// The test binary may be where nobody can't go: run a copy.
		bin := filepath.Join(parent, "test")
		b, err := os.ReadFile(os.Args[0])
		if err != nil {
			t.Fatal(err)
		}
		// A process that another test starts now would have the file open for
		// writing for a moment, and nobody could run it (golang/go#22315).
		syscall.ForkLock.RLock()
		err = os.WriteFile(bin, b, 0o755)
		syscall.ForkLock.RUnlock()
		if err != nil {
			t.Fatal(err)
		}
		cmd.Path, cmd.Dir = bin, "/"
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	}
	refused := func(what string) {
		t.Helper()
		again := *cmd
		out, err := again.CombinedOutput()
		if s := string(out); err == nil || !strings.Contains(s, driver.ErrUnavailable.Error()) || !strings.Contains(s, dir) || !strings.Contains(s, "chmod u+rwx") {
			t.Errorf("opened %s without permission to write: %v, %s", what, err, s)
		}
	}
	refused("an empty directory")
	chmod := func(mode os.FileMode) {
		t.Helper()
		if err := os.Chmod(dir, mode); err != nil {
			t.Fatal(err)
		}
	}
	chmod(0o700)
	again := *cmd
	if out, err := again.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	chmod(0o500)
	refused("a directory that was in use")
}

func TestADirectoryThatIsReplacedIsNoticed(t *testing.T) {
	t.Parallel()
	dir := dirFor(t)
	s := openTest(t, dir)
	acquire(t, s, request("k", time.Hour))
	if err := os.Rename(dir, dir+"-old"); err != nil {
		t.Fatal(err)
	}
	if _, err := s.TryAcquire(t.Context(), request("k2", time.Hour)); !errors.Is(err, driver.ErrUnavailable) || !strings.Contains(err.Error(), dir) {
		t.Errorf("directory gone: %v, want ErrUnavailable that names it", err)
	}
	other := openTest(t, dir)
	acquire(t, other, request("k", time.Hour))
	if _, err := s.TryAcquire(t.Context(), request("k2", time.Hour)); !errors.Is(err, driver.ErrUnavailable) || !strings.Contains(err.Error(), "replaced") {
		t.Errorf("directory replaced: %v, want ErrUnavailable that says so", err)
	}
}

func TestOpenTakesItsContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	c, err := New(dirFor(t))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Open(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("%v, want context.Canceled", err)
	}
}
