package main

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// A keyboard is the other end of a real terminal: what is typed goes in, what
// the terminal shows comes out.
type keyboard struct {
	t    *testing.T
	end  *os.File
	news chan struct{} // something came, or all has come

	mu   sync.Mutex
	seen string // and not expected yet
	over bool
}

// onTerminal starts cmd as the first process of a terminal of its own.
func onTerminal(t *testing.T, cmd *exec.Cmd) *keyboard {
	t.Helper()
	end, screen := openTerminal(t)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = screen, screen, screen
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	_ = screen.Close()
	k := &keyboard{t: t, end: end, news: make(chan struct{}, 1)}
	read := make(chan struct{})
	go func() {
		defer close(read)
		k.read()
	}()
	t.Cleanup(func() {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		_ = end.Close() // hangs up whoever is left
		_ = cmd.Wait()
		<-read
	})
	return k
}

func openTerminal(t *testing.T) (end, screen *os.File) {
	t.Helper()
	end, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	number := 0
	raw, err := end.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	_ = raw.Control(func(fd uintptr) {
		err = unix.IoctlSetPointerInt(int(fd), unix.TIOCSPTLCK, 0)
		if err == nil {
			number, err = unix.IoctlGetInt(int(fd), unix.TIOCGPTN)
		}
		if err == nil {
			err = unix.IoctlSetWinsize(int(fd), unix.TIOCSWINSZ, &unix.Winsize{Row: 40, Col: 132})
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	screen, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	return end, screen
}

func (k *keyboard) read() {
	b := make([]byte, 4096)
	for {
		n, err := k.end.Read(b)
		k.mu.Lock()
		k.seen += string(b[:n])
		k.over = err != nil
		k.mu.Unlock()
		select {
		case k.news <- struct{}{}:
		default:
		}
		if err != nil {
			return
		}
	}
}

func (k *keyboard) types(text string) {
	k.t.Helper()
	if _, err := k.end.WriteString(text); err != nil {
		k.t.Fatal(err)
	}
}

// shows waits until the terminal shows text, and returns what stood before it
// since the last time.
func (k *keyboard) shows(text string) string {
	k.t.Helper()
	late := time.After(10 * time.Second)
	for {
		k.mu.Lock()
		before, after, found := strings.Cut(k.seen, text)
		if found {
			k.seen = after
		}
		seen, over := k.seen, k.over
		k.mu.Unlock()
		switch {
		case found:
			return before
		case over:
			k.t.Fatalf("the terminal ended without %q; it shows %q", text, seen)
		}
		select {
		case <-k.news:
		case <-late:
			k.t.Fatalf("the terminal does not show %q but %q", text, seen)
		}
	}
}
