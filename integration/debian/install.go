// Package debian brings what tests need and a machine lacks.
package debian

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"sync"
	"time"
)

// installing is one at a time, as apt-get wants it.
var installing sync.Mutex

// Install brings packages, if this is root on a Debian. It takes five minutes
// at most.
func Install(ctx context.Context, packages ...string) error {
	apt, err := exec.LookPath("apt-get")
	if err != nil || os.Geteuid() != 0 {
		return errors.New("this is not root on a Debian, which would have done it")
	}
	installing.Lock()
	defer installing.Unlock()
	ctx, cancel := context.WithTimeout(ctx, 5*time.Minute)
	defer cancel()
	fmt.Fprintf(os.Stderr, "debian: installing %v\n", packages)
	args := append([]string{"-o", "DPkg::Lock::Timeout=240", "install", "-y", "-qq", "--no-install-recommends"}, packages...)
	out, err := aptGet(ctx, apt, args...)
	if err != nil { // the lists may be old
		if _, err := aptGet(ctx, apt, "update", "-qq"); err != nil {
			return fmt.Errorf("apt-get update: %w", err)
		}
		out, err = aptGet(ctx, apt, args...)
	}
	if err != nil {
		return fmt.Errorf("apt-get install: %w\n%s", err, out)
	}
	return nil
}

// aptGet starts nothing that it installs: tests start their own.
func aptGet(ctx context.Context, apt string, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, apt, args...)
	cmd.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive", "RUNLEVEL=1")
	return cmd.CombinedOutput()
}
