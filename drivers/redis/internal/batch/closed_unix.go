//go:build unix

package batch

import "syscall"

// closed reports whether the server has closed the connection. It takes nothing off it.
func (w *wire) closed() (yes bool) {
	if w.raw == nil {
		return false
	}
	err := w.raw.Control(func(fd uintptr) {
		var b [1]byte
		n, _, err := syscall.Recvfrom(int(fd), b[:], syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
		yes = err == nil && n == 0 || err != nil && err != syscall.EAGAIN && err != syscall.EINTR
	})
	return yes || err != nil
}
