package chaos

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strings"
	"time"
)

// A Summary is what a run was and what it found.
type Summary struct {
	Driver     string            `json:"driver"`
	Seed       uint64            `json:"seed"`
	Date       string            `json:"date"`
	Duration   string            `json:"duration"`
	Rounds     int               `json:"rounds"`
	Versions   map[string]string `json:"versions"`
	Counts     Counts            `json:"counts"`
	Violations []Violation       `json:"violations"`
}

// Counts are how much was done.
type Counts struct {
	Operations  int            `json:"operations"`
	Grants      int            `json:"grants"`
	Refused     int            `json:"refused"` // acquires: another held the key
	Errors      int            `json:"errors"`  // of acquires and releases, under faults
	Losses      int            `json:"losses"`
	Taken       int            `json:"writes_taken"`
	Stopped     int            `json:"stale_writes_stopped"`
	Faults      map[string]int `json:"faults"`
	LongestWait string         `json:"longest_wait"`
	Undecided   int            `json:"undecided"` // keys of a round whose search for an order of events took too long
	longest     time.Duration
}

// add counts the operations of a round.
func (c *Counts) add(records []Record) {
	for _, r := range records {
		switch r.Op {
		case Acquire:
			c.longest = max(c.longest, time.Duration(r.Return-r.Call))
			c.acquired(r.Result)
		case Release:
			if r.Result != OK && r.Result != Lost {
				c.Errors++
			}
		case Loss:
			c.Losses++
			continue
		case Kill:
			if r.Result == "crash" {
				c.Faults["process crashed"]++
			}
			continue
		case Hold, Releasing, Trouble, Freeze, Break:
			continue
		}
		c.Operations++
	}
	c.LongestWait = c.longest.Round(time.Millisecond).String()
}

func (c *Counts) acquired(result string) {
	switch result {
	case OK:
		c.Grants++
	case Refused:
		c.Refused++
	default:
		c.Errors++
	}
}

// String is a line for people to read.
func (s *Summary) String() string {
	faults := 0
	for _, n := range s.Counts.Faults {
		faults += n
	}
	return fmt.Sprintf("%s, seed %d, %d rounds: %d operations, %d grants, %d losses, %d errors, %d faults, %d stale writes stopped, longest wait %s, %d violations",
		s.Driver, s.Seed, s.Rounds, s.Counts.Operations, s.Counts.Grants, s.Counts.Losses, s.Counts.Errors, faults,
		s.Counts.Stopped, s.Counts.LongestWait, len(s.Violations))
}

// write puts the summary into a folder.
func (s *Summary) write(dir string) error {
	text, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return err
	}
	name := strings.ReplaceAll(s.Driver, " ", "-") + ".json"
	return os.WriteFile(filepath.Join(dir, name), append(text, '\n'), 0o666)
}

// versions are of what a run was made with.
func versions(store string) map[string]string {
	v := map[string]string{"go": runtime.Version(), "store": store}
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, m := range info.Deps {
			switch m.Path {
			case "github.com/redis/go-redis/v9", "github.com/jackc/pgx/v5", "github.com/anishathalye/porcupine":
				v[m.Path] = m.Version
			}
		}
	}
	return v
}
