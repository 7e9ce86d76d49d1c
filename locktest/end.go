package locktest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/concurrent-go/concurrent/driver"
)

const (
	// grace is for goroutines of the code under test that end with the test's
	// context, which ended just before.
	grace = time.Second
	// shutdownTimeout is for what the registry has under way.
	shutdownTimeout = 5 * time.Second
)

// end fails the test if something is left, and ends the stores and the registry.
func (s *Stores) end() {
	s.t.Helper()
	left := s.settle()
	s.ended.Store(true)
	if len(left) > 0 {
		s.t.Errorf("locktest: still held or waited for at the end of the test:\n\t%s\n"+
			"Release every lock, and cancel every wait, before the test ends", strings.Join(left, "\n\t"))
	}
	ctx, cancel := context.WithTimeout(context.Background(), shutdownTimeout)
	defer cancel()
	if len(left) > 0 {
		cancel() // nobody will give it back
	}
	if err := s.shutDown(ctx); err != nil && len(left) == 0 {
		s.t.Errorf("locktest: the registry is still in use at the end of the test: %v", err)
	}
}

// settle waits a little until nothing is held or waited for, and says what still
// is.
func (s *Stores) settle() []string {
	left := s.left()
	if len(left) == 0 {
		return nil
	}
	over := time.NewTimer(grace)
	defer over.Stop()
	for {
		select {
		case <-s.changed:
		case <-over.C:
			return s.left()
		}
		if left = s.left(); len(left) == 0 {
			return nil
		}
	}
}

// left describes the claims of all stores, sorted by alias, key and time.
func (s *Stores) left() []string {
	type found struct {
		alias string
		*claim
	}
	var all []found
	for alias, st := range s.byAlias {
		for _, c := range st.left() {
			all = append(all, found{alias, c})
		}
	}
	slices.SortFunc(all, func(a, b found) int {
		return cmp.Or(cmp.Compare(a.alias, b.alias), cmp.Compare(a.key, b.key), a.order(b.claim))
	})
	texts := make([]string, len(all))
	for i, f := range all {
		texts[i] = fmt.Sprintf("key %q of alias %q: %s", f.key, f.alias, f.who())
	}
	return texts
}

// shutDown ends what is under way on the stores, then the registry.
func (s *Stores) shutDown(ctx context.Context) error {
	byTest := s.isShutDown()
	for _, st := range s.byAlias {
		_ = st.Close() // never fails
	}
	if err := s.registry.Shutdown(ctx); !byTest {
		return err
	}
	return nil // the test has seen the error
}

// isShutDown reports whether the test itself has shut the registry down.
func (s *Stores) isShutDown() bool {
	for alias := range s.byAlias {
		_, err := s.registry.Store(context.Background(), alias)
		return errors.Is(err, driver.ErrClosed)
	}
	return false
}

// order puts holders before those who wait, and the earliest first.
func (c *claim) order(other *claim) int {
	if (c.token == 0) != (other.token == 0) {
		return cmp.Compare(other.token, c.token)
	}
	return c.since.Compare(other.since)
}

// who says what the claim is, whose, and since when.
func (c *claim) who() string {
	what := "held"
	if c.token == 0 {
		what = "waited for"
	}
	mode := ""
	if c.mode != driver.Exclusive {
		mode = " (" + c.mode.String() + ")"
	}
	return fmt.Sprintf("%s%s by %s since %s, for %v", what, mode, c.name(),
		c.since.Format("15:04:05.000"), time.Since(c.since).Round(time.Millisecond))
}

func (c *claim) name() string {
	if c.place != "" {
		return "locktest.Hold at " + c.place
	}
	var parts []string
	if c.holder.Label != "" {
		parts = append(parts, fmt.Sprintf("%q", c.holder.Label))
	}
	if c.holder.Host != "" {
		parts = append(parts, "host "+c.holder.Host)
	}
	if c.holder.PID != 0 {
		parts = append(parts, fmt.Sprintf("pid %d", c.holder.PID))
	}
	if len(parts) == 0 {
		return "an unnamed holder"
	}
	return strings.Join(parts, ", ")
}
