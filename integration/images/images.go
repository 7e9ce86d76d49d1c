package images

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/gofrs/flock"
	"github.com/moby/moby/client"
)

// An Engine has images. Its methods may be called at the same time, also by
// several processes: an image that two want is built once.
type Engine struct {
	Client *client.Client
}

// ErrUnobtainable is the error where no registry has an image, and none can be
// built.
var ErrUnobtainable = errors.New("images: it can't be had")

// Get returns the name of an image of a version ("redis 7.0"), which the engine
// has from then on, or an error, ErrUnobtainable where nothing was tried. That
// leaves nothing behind but what the next call clears away.
func (e *Engine) Get(ctx context.Context, version string) (string, error) {
	s, err := find(version)
	if err != nil {
		return "", err
	}
	if ref, ok := e.here(ctx, s); ok {
		return ref, nil
	}
	folder, err := cache()
	if err != nil {
		return "", err
	}
	lock := flock.New(filepath.Join(folder, s.suite.name+".lock"))
	if _, err := lock.TryLockContext(ctx, 100*time.Millisecond); err != nil {
		return "", fmt.Errorf("waiting for who builds %s: %w", s.suite.ref(), err)
	}
	defer func() { _ = lock.Close() }()
	if ref, ok := e.here(ctx, s); ok { // who had the lock built it
		return ref, nil
	}
	unanswered := e.pull(ctx, s.usual)
	if unanswered == nil {
		return s.usual, nil
	}
	if err := buildable(); err != nil {
		return "", fmt.Errorf("%w: %s: %w", ErrUnobtainable, version, errors.Join(unanswered, err))
	}
	if err := s.suite.build(ctx, e.Client, filepath.Join(folder, s.suite.name)); err != nil {
		return "", fmt.Errorf("no image of %s: %w", version, errors.Join(unanswered, err))
	}
	return s.suite.ref(), nil
}

// here returns the image of a server that the engine has.
func (e *Engine) here(ctx context.Context, s server) (string, bool) {
	for _, ref := range []string{s.usual, s.suite.ref()} {
		if ref == "" {
			continue
		}
		if _, err := e.Client.ImageInspect(ctx, ref); err == nil {
			return ref, true
		}
	}
	return "", false
}

// offered reports why no registry has an image, or nil. One that does not answer
// within some seconds is as good as none.
func (e *Engine) offered(ctx context.Context, ref string) error {
	if ref == "" {
		return errors.New("no registry has one")
	}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	if _, err := e.Client.DistributionInspect(ctx, ref, client.DistributionInspectOptions{}); err != nil {
		return fmt.Errorf("no registry has %s: %w", ref, err)
	}
	return nil
}

// pull brings an image from its registry.
func (e *Engine) pull(ctx context.Context, ref string) error {
	if err := e.offered(ctx, ref); err != nil {
		return err
	}
	fmt.Fprintf(os.Stderr, "images: pulling %s\n", ref)
	pulled, err := e.Client.ImagePull(ctx, ref, client.ImagePullOptions{})
	if err != nil {
		return fmt.Errorf("pull %s: %w", ref, err)
	}
	if err := pulled.Wait(ctx); err != nil {
		return fmt.Errorf("pull %s: %w", ref, err)
	}
	return nil
}

// Obtainable reports whether Get would not return ErrUnobtainable, and why not.
func (e *Engine) Obtainable(ctx context.Context, version string) error {
	s, err := find(version)
	if err != nil {
		return err
	}
	if _, ok := e.here(ctx, s); ok {
		return nil
	}
	if e.offered(ctx, s.usual) == nil {
		return nil
	}
	if err := buildable(); err != nil {
		return fmt.Errorf("%w: %s: %w", ErrUnobtainable, version, err)
	}
	return nil
}

// cache is where images are built, and the locks are.
func cache() (string, error) {
	folder, err := os.UserCacheDir()
	if err != nil {
		folder = os.TempDir() // no home
	}
	folder = filepath.Join(folder, "concurrent-test")
	return folder, os.MkdirAll(folder, 0o700)
}

// drain reads what the engine says until it is done with an import.
func drain(r io.ReadCloser) error {
	_, err := io.Copy(io.Discard, r)
	return errors.Join(err, r.Close())
}
