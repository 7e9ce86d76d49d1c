package main

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/concurrent-go/concurrent/locks"
)

// A listCommand shows every held key.
type listCommand struct {
	Prefix string `arg:"" optional:"" help:"Only keys that begin with this."`
	storeFlags
	JSON bool `name:"json" help:"Print JSON: an array with an object for each key."`
}

// Run writes the keys in order. That nothing is held is no error.
func (c *listCommand) Run(s *streams) error {
	at, err := c.open()
	if err != nil {
		return err
	}
	defer at.close()
	ctx, cancel := asking()
	defer cancel()
	var infos []locks.Info
	for info, err := range locks.List(ctx, at.alias, c.Prefix, at.option()) {
		if err != nil {
			return err
		}
		infos = append(infos, info)
	}
	slices.SortFunc(infos, func(a, b locks.Info) int { return cmp.Compare(a.Key, b.Key) })
	if !c.JSON {
		return writeTable(s.out, infos, time.Now())
	}
	keys := make([]keyJSON, 0, len(infos))
	for _, info := range infos {
		keys = append(keys, toJSON(info))
	}
	return writeJSON(s.out, keys)
}

// An inspectCommand shows one key.
type inspectCommand struct {
	Key string `arg:"" help:"The name of the lock."`
	storeFlags
	JSON bool `name:"json" help:"Print JSON: an object."`
}

// Run writes who holds the key. That nobody does is no error.
func (c *inspectCommand) Run(s *streams) error {
	at, err := c.open()
	if err != nil {
		return err
	}
	defer at.close()
	ctx, cancel := asking()
	defer cancel()
	info, err := locks.Inspect(ctx, at.alias, c.Key, at.option())
	if err != nil {
		return err
	}
	return show(s, info, c.JSON)
}

func show(s *streams, info locks.Info, asJSON bool) error {
	if asJSON {
		return writeJSON(s.out, toJSON(info))
	}
	return writeTable(s.out, []locks.Info{info}, time.Now())
}

// isFree is told by break of a key that nobody holds.
func isFree(key string) error {
	return failure{fmt.Errorf("nobody holds %q", key), exitNo}
}
