package images

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"

	"github.com/moby/moby/client"

	"github.com/concurrent-go/concurrent/integration/debian"
)

// buildable reports why images can't be built here, or nil.
func buildable() error {
	if os.Geteuid() != 0 {
		return errors.New("to build one takes root")
	}
	if _, err := exec.LookPath("debootstrap"); err != nil {
		if _, err := exec.LookPath("apt-get"); err != nil {
			return errors.New("to build one takes debootstrap")
		}
	}
	return nil
}

// build has the engine have the image. It works in a folder, which is removed.
func (s *suite) build(ctx context.Context, engine *client.Client, folder string) error {
	if _, err := exec.LookPath("debootstrap"); err != nil {
		if err := debian.Install(ctx, "debootstrap", "debian-archive-keyring"); err != nil {
			return err
		}
	}
	if err := os.RemoveAll(folder); err != nil { // of one that was killed
		return err
	}
	defer func() { _ = os.RemoveAll(folder) }()
	fmt.Fprintf(os.Stderr, "images: building %s with %s, which takes a minute, once\n", s.ref(), strings.Join(s.packages, ", "))
	arguments := append([]string{"--mount", "--pid", "--fork", "--kill-child", "sh", "-c", s.script, "build.sh", folder, s.name}, s.packages...)
	if err := run(ctx, "unshare", arguments...); err != nil {
		return err
	}
	return s.load(ctx, engine, folder)
}

// load has the engine make an image of a folder.
func (s *suite) load(ctx context.Context, engine *client.Client, folder string) error {
	tar := exec.CommandContext(ctx, "tar", "--numeric-owner", "-C", folder, "-c", ".")
	out, err := tar.StdoutPipe()
	if err != nil {
		return err
	}
	if err := tar.Start(); err != nil {
		return err
	}
	repository, tag, _ := strings.Cut(s.ref(), ":")
	reply, err := engine.ImageImport(ctx, client.ImageImportSource{Source: out, SourceName: "-"}, repository,
		client.ImageImportOptions{Tag: tag, Message: strings.Join(s.packages, " "), Changes: changes})
	if err == nil {
		err = drain(reply)
	}
	_ = out.Close()
	if ended := tar.Wait(); err == nil {
		err = ended
	}
	if err == nil {
		_, err = engine.ImageInspect(ctx, s.ref()) // a failure may be told in the reply's text only
	}
	if err != nil { // half an image is none
		_, _ = engine.ImageRemove(context.WithoutCancel(ctx), s.ref(), client.ImageRemoveOptions{Force: true})
		return fmt.Errorf("import %s: %w", s.ref(), err)
	}
	return nil
}

// run runs a program that dies with this process. The kernel sees to that when
// the thread ends that started it, which is why it is this goroutine's alone.
func run(ctx context.Context, name string, arguments ...string) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var out bytes.Buffer
	cmd := exec.CommandContext(ctx, name, arguments...)
	cmd.Stdout, cmd.Stderr = &out, &out
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Run(); err != nil {
		text := out.Bytes()
		return fmt.Errorf("%s: %w\n%s", name, err, text[max(0, len(text)-2000):])
	}
	return nil
}
