//go:build unix

package file

import (
	"errors"
	"io"
	"os"

	"golang.org/x/sys/unix"
)

// State files are opened and closed at every call. Package os asks for each of
// them whether it can be polled, which takes five more calls of the kernel, a
// third of all that a lock takes, to learn that a file can't.

// readInto reads a file into buf, grown as needed.
func readInto(name string, buf []byte) ([]byte, error) {
	fd, err := openFile(name, unix.O_RDONLY)
	if err != nil {
		return buf[:0], err
	}
	defer func() { _ = unix.Close(fd) }()
	if cap(buf) < 4*minFile {
		buf = make([]byte, 4*minFile)
	}
	buf = buf[:cap(buf)]
	for n := 0; ; {
		if n == len(buf) {
			buf = append(buf, make([]byte, len(buf))...)
		}
		m, err := unix.Pread(fd, buf[n:], int64(n))
		switch {
		case errors.Is(err, unix.EINTR):
		case err != nil:
			return buf[:0], &os.PathError{Op: "read", Path: name, Err: err}
		case m == 0:
			return buf[:n], nil
		}
		n += max(m, 0)
	}
}

// overwrite makes b the content of a file that nobody reads, in place: the
// blocks that it has are used again.
func overwrite(name string, b []byte) error {
	fd, err := openFile(name, unix.O_WRONLY|unix.O_CREAT)
	if err != nil {
		return err
	}
	op, err := "write", fill(fd, b)
	if cerr := unix.Close(fd); err == nil {
		op, err = "close", cerr
	}
	if err != nil {
		return &os.PathError{Op: op, Path: name, Err: err}
	}
	return nil
}

func fill(fd int, b []byte) error {
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return err
	}
	if st.Size > int64(len(b)) {
		if err := unix.Ftruncate(fd, int64(len(b))); err != nil {
			return err
		}
	}
	for n := 0; n < len(b); {
		m, err := unix.Pwrite(fd, b[n:], int64(n))
		switch {
		case errors.Is(err, unix.EINTR):
		case err != nil:
			return err
		case m == 0:
			return io.ErrShortWrite
		}
		n += max(m, 0)
	}
	return nil
}

func openFile(name string, flags int) (int, error) {
	for {
		fd, err := unix.Open(name, flags|unix.O_CLOEXEC, 0o600)
		if err == nil {
			return fd, nil
		}
		if !errors.Is(err, unix.EINTR) {
			return -1, &os.PathError{Op: "open", Path: name, Err: err}
		}
	}
}
