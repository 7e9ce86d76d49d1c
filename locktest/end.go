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
	// lookEvery is how often it is looked whether those in line wait still: nobody
	// says so.
	lookEvery = 10 * time.Millisecond
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
	over, look := time.NewTimer(grace), time.NewTicker(lookEvery)
	defer over.Stop()
	defer look.Stop()
	for {
		select {
		case <-s.changed:
		case <-look.C:
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
	asking := make(map[string]int)
	var texts []string
	for _, f := range all {
		texts = append(texts, fmt.Sprintf("key %q of alias %q: %s", f.key, f.alias, f.who()))
		if f.token == 0 {
			asking[f.alias]++
		}
	}
	for _, alias := range s.registry.Stats() {
		if more := alias.Waiting - asking[alias.Alias]; more > 0 {
			texts = append(texts, inLine(alias.Alias, more))
		}
	}
	return texts
}

// inLine tells of calls that wait for locks and not, at the moment, in the store.
func inLine(alias string, n int) string {
	calls := "one more call waits"
	if n > 1 {
		calls = fmt.Sprintf("%d more calls wait", n)
	}
	return fmt.Sprintf("alias %q: %s, in line for a key of it or for the store", alias, calls)
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
