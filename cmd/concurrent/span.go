package main

import (
	"fmt"
	"time"

	"github.com/concurrent-go/concurrent/locks"
)

// A span is a duration on the command line, such as 30s or 1m30s, or forever.
type span time.Duration

// UnmarshalText refuses what is negative and what has no unit.
func (s *span) UnmarshalText(text []byte) error {
	if string(text) == "forever" {
		*s = span(locks.Forever)
		return nil
	}
	d, err := time.ParseDuration(string(text))
	if err != nil || d < 0 {
		return fmt.Errorf(`%q is no duration; write one with its unit, such as 30s or 5m, or "forever"`, text)
	}
	*s = span(d)
	return nil
}
