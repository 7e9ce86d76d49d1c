package servers

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"syscall"
	"time"

	"github.com/moby/moby/client"

	"github.com/concurrent-go/concurrent/integration/images"
)

const (
	sessionLabel    = "concurrent.test.session"
	folderLabel     = "concurrent.test.folder"   // the one on this machine
	watchdogEnv     = "CONCURRENT_TEST_WATCHDOG" // the session that a watchdog clears away
	watchdogDone    = "."                        // what it reads when nothing is left
	watchdogAtLeast = 3 * time.Second            // how long it looks for more
)

// A watchdog is this program, run again, in a session of its own where no signal
// of a terminal reaches it. It reads a pipe that ends when this process does,
// however it does, and then removes its containers.
type watchdog struct {
	cmd  *exec.Cmd
	pipe io.WriteCloser
}

// A program that uses this package becomes its own watchdog before its tests
// begin.
func init() {
	if session := os.Getenv(watchdogEnv); session != "" {
		if err := watch(session); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
}

// watched has a watchdog watch, from before the first container on.
func (e *engine) watched() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.watch != nil {
		return nil
	}
	cmd := exec.Command("/proc/self/exe")
	cmd.Args[0] = "servers-watchdog"
	cmd.Env = append(os.Environ(), watchdogEnv+"="+e.session)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	// Nothing else of ours is its own: who waits for our output waits not for it.
	pipe, err := cmd.StdinPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start the watchdog: %w", err)
	}
	e.watch = &watchdog{cmd: cmd, pipe: pipe}
	running.Lock()
	defer running.Unlock()
	running.engine = e
	return nil
}

// dismiss ends the watchdog, after it is seen that no container is left.
func (e *engine) dismiss() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.watch == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	left, err := sweep(ctx, e.client, e.session)
	if err == nil { // else the watchdog goes on trying
		_, err = io.WriteString(e.watch.pipe, watchdogDone)
	}
	_ = e.watch.pipe.Close()
	if err == nil {
		err = e.watch.cmd.Wait()
	}
	e.watch = nil
	if err == nil && left > 0 {
		err = fmt.Errorf("tests left %d containers, which are gone now", left)
	}
	return err
}

// watch removes a session's containers when its process ended. The engine may
// be making one for it at that moment, so it looks for some time.
func watch(session string) error {
	said, err := io.ReadAll(os.Stdin)
	if err == nil && string(said) == watchdogDone {
		return nil
	}
	c, err := images.NewClient()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	for began := time.Now(); ; {
		left, err := sweep(ctx, c, session)
		if err == nil && left == 0 && time.Since(began) > watchdogAtLeast {
			return nil
		}
		select {
		case <-time.After(200 * time.Millisecond):
		case <-ctx.Done():
			return fmt.Errorf("containers of session %s are left: %w", session, err)
		}
	}
}

// sweep removes the containers of a session, and the folders that they worked
// in, and returns how many it saw.
func sweep(ctx context.Context, c *client.Client, session string) (int, error) {
	list, err := c.ContainerList(ctx, client.ContainerListOptions{
		All: true, Filters: make(client.Filters).Add("label", sessionLabel+"="+session),
	})
	if err != nil {
		return 0, err
	}
	for _, one := range list.Items {
		if _, failed := c.ContainerRemove(ctx, one.ID, client.ContainerRemoveOptions{Force: true, RemoveVolumes: true}); failed != nil {
			err = failed
		}
		if folder := one.Labels[folderLabel]; folder != "" {
			_ = os.RemoveAll(folder)
		}
	}
	return len(list.Items), err
}
