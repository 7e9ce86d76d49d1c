//go:build !unix

package file

import (
	"errors"
	"io"
	"os"
)

// readInto reads a file into buf, grown as needed.
func readInto(name string, buf []byte) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return buf[:0], err
	}
	defer func() { _ = f.Close() }()
	if cap(buf) < 4*minFile {
		buf = make([]byte, 4*minFile)
	}
	buf = buf[:cap(buf)]
	for n := 0; ; {
		m, err := f.ReadAt(buf[n:], int64(n))
		n += m
		if errors.Is(err, io.EOF) {
			return buf[:n], nil
		}
		if err != nil {
			return buf[:0], err
		}
		buf = append(buf, make([]byte, len(buf))...)
	}
}

// overwrite makes b the content of a file that nobody reads, in place.
func overwrite(name string, b []byte) error {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	if _, err = f.WriteAt(b, 0); err == nil {
		err = f.Truncate(int64(len(b)))
	}
	return errors.Join(err, f.Close())
}
