package file

import (
	"context"
	"fmt"
	"net/url"
	"path/filepath"
	"runtime"

	"github.com/concurrent-go/concurrent/driver"
)

// Driver makes stores from URLs file:///dir. It is registered as "file".
type Driver struct{}

var (
	_ driver.Driver    = Driver{}
	_ driver.Connector = connector{}
)

// Connector takes file:///dir: an absolute path, no host but localhost, no
// user, no parameter. Spaces and the like are percent-encoded. A malformed URL
// is an error that says what would be right; no disk is touched.
func (Driver) Connector(u *url.URL) (driver.Connector, error) {
	const want = "want file:///dir with the absolute path of a directory"
	switch {
	case u == nil || u.Scheme != "file":
		return nil, fmt.Errorf("file: URL must begin with file:; %s", want)
	case u.User != nil:
		return nil, fmt.Errorf("file: URL takes no user or password; %s", want)
	case u.Opaque != "":
		return nil, fmt.Errorf("file: path %q in URL is relative; %s", u.Opaque, want)
	case u.Host != "" && u.Host != "localhost":
		return nil, fmt.Errorf("file: URL has host %q; %s, with three slashes", u.Host, want)
	case u.Fragment != "":
		return nil, fmt.Errorf("file: URL takes no fragment, has %q; write a # in the path as %%23", u.Fragment)
	case u.RawQuery != "" || u.ForceQuery:
		return nil, fmt.Errorf("file: URL takes no parameters, has %q; write a ? in the path as %%3F", u.RawQuery)
	case u.Path == "":
		return nil, fmt.Errorf("file: URL has no path; %s", want)
	}
	p := u.Path
	if runtime.GOOS == "windows" && len(p) > 2 && p[0] == '/' && p[2] == ':' {
		p = p[1:]
	}
	return connect(filepath.FromSlash(p))
}

// New returns a connector for the store in a directory: what the URL file://
// followed by it gives. dir is an absolute path.
func New(dir string) (driver.Connector, error) { return connect(dir) }

type connector struct{ dir string }

func connect(dir string) (driver.Connector, error) {
	for i := range len(dir) {
		if dir[i] == 0 {
			return nil, fmt.Errorf("file: path %q has a zero byte", dir)
		}
	}
	if !filepath.IsAbs(dir) {
		return nil, fmt.Errorf("file: path %q is relative; want the absolute path of a directory", dir)
	}
	dir = filepath.Clean(dir)
	if filepath.Dir(dir) == dir {
		return nil, fmt.Errorf("file: path %q is the root of a file system; want a directory of its own for locks", dir)
	}
	return connector{dir}, nil
}

// Open opens the directory, which it makes with mode 0700 if it is missing.
// It returns driver.ErrUnfit for a directory that others can write to, that
// belongs to another user, that is a symbolic link, or that is on a network
// file system, and driver.ErrUnavailable for one that can't be written.
func (c connector) Open(ctx context.Context) (driver.Store, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s, err := open(ctx, c.dir)
	if err != nil {
		return nil, err
	}
	return s, nil
}
