package main

import (
	"bufio"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/concurrent-go/concurrent/locks"
)

// A breakCommand ends the leases on a key.
type breakCommand struct {
	Key string `arg:"" help:"The name of the lock."`
	storeFlags
	Yes  bool `help:"Do not ask."`
	JSON bool `name:"json" help:"Print JSON: an object with those whom it broke."`
}

// Run shows who holds the key, asks, breaks, and says whom it broke.
func (c *breakCommand) Run(s *streams) error {
	at, err := c.open()
	if err != nil {
		return err
	}
	defer at.close()
	if !c.Yes {
		if err := c.confirm(s, at); err != nil {
			return err
		}
	}
	ctx, cancel := asking()
	defer cancel()
	info, err := locks.Break(ctx, at.alias, c.Key, at.option())
	switch {
	case errors.Is(err, locks.ErrNotHeld):
		return isFree(c.Key)
	case err != nil:
		return err
	}
	if !c.JSON {
		fmt.Fprintf(s.out, "broke %q, %s\n", c.Key, holding(info, time.Now()))
	}
	return show(s, info, c.JSON)
}

// confirm returns nil only if somebody said yes.
func (c *breakCommand) confirm(s *streams, at *site) error {
	ctx, cancel := asking()
	defer cancel()
	info, err := locks.Inspect(ctx, at.alias, c.Key, at.option())
	switch {
	case err != nil:
		return err
	case len(info.Holders) == 0:
		return isFree(c.Key)
	}
	fmt.Fprintf(s.err, "%q is %s.\nIts holder may go on for a while and not know. Break it? [y/N] ", c.Key, holding(info, time.Now()))
	answer, err := bufio.NewReader(s.in).ReadString('\n')
	if err != nil {
		fmt.Fprintln(s.err)
	}
	switch strings.ToLower(strings.TrimSpace(answer)) {
	case "y", "yes":
		return nil
	}
	return failure{errors.New("nothing was broken"), exitNo}
}
