package main

import (
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/gofrs/flock"
)

func TestAProgramDiesWithItsKilledCommand(t *testing.T) {
	h := newHome(t)
	p := h.start("run", "k", "--", "sh", "-c", `trap "" TERM HUP; echo ready; read x`)
	p.says("ready")
	p.signal(syscall.SIGKILL)
	p.quiet()
	h.run("", "run", "k", "--", "true").want(t, 0, "")
}

// Whoever has entered a key's state file stops the key.
func TestAStuckStoreIs69WhenTheWaitIsOver(t *testing.T) {
	h := newHome(t)
	h.run("", "run", "k", "--", "true").want(t, 0, "")
	names, err := filepath.Glob(filepath.Join(h.dir, "concurrent", "lock-[0-9]*"))
	if err != nil || len(names) == 0 {
		t.Fatal(names, err)
	}
	for _, name := range names {
		lock := flock.New(name)
		if ok, err := lock.TryLock(); !ok || err != nil {
			t.Fatal(ok, err)
		}
		t.Cleanup(func() { _ = lock.Close() })
	}
	began := time.Now()
	h.run("", "run", "k", "--wait", "300ms", "--", "echo", "ran").want(t, exitUnavailable, "")
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("it took %v", took)
	}
}
