package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/concurrent-go/concurrent/locks"
)

const (
	// showAfter keeps short waits quiet.
	showAfter = 200 * time.Millisecond
	showEvery = time.Second
)

// showWait redraws one line on a terminal until its result is called: who
// holds the key, since when, and how long this process has waited. What is no
// terminal gets nothing.
func showWait(w io.Writer, at *site, key string) (stop func()) {
	if _, ok := terminal(w); !ok {
		return func() {}
	}
	ctx, cancel := context.WithCancel(context.Background())
	var drawing sync.WaitGroup
	drawing.Go(func() { drawWait(ctx, w, at, key) })
	return func() {
		cancel()
		drawing.Wait()
	}
}

func drawWait(ctx context.Context, w io.Writer, at *site, key string) {
	began := time.Now()
	tick := time.NewTimer(showAfter)
	defer tick.Stop()
	drawn := false
	for {
		select {
		case <-ctx.Done():
			if drawn {
				fmt.Fprint(w, "\r\x1b[K")
			}
			return
		case <-tick.C:
		}
		tick.Reset(showEvery)
		info, err := locks.Inspect(ctx, at.alias, key, at.option())
		if ctx.Err() != nil {
			continue
		}
		line := fmt.Sprintf("waiting for %q, %v so far", key, time.Since(began).Round(time.Second))
		if err == nil {
			line += ": " + holding(info, time.Now())
		}
		width, _ := terminal(w)
		fmt.Fprint(w, "\r"+clip(line, width-1)+"\x1b[K")
		drawn = true
	}
}

// holding says in one line who holds a key and since when.
func holding(info locks.Info, now time.Time) string {
	if len(info.Holders) == 0 {
		return "nobody holds it now"
	}
	h := info.Holders[0]
	var b strings.Builder
	fmt.Fprintf(&b, "held by %s", describe(h))
	if !h.Since.IsZero() {
		fmt.Fprintf(&b, " since %s, for %v", h.Since.Local().Format(time.TimeOnly), age(h.Since, now))
	}
	if n := len(info.Holders) - 1; n > 0 {
		fmt.Fprintf(&b, ", and by %d more", n)
	}
	return b.String()
}

// describe names a holder.
func describe(h locks.Holder) string {
	name := fmt.Sprintf("pid %d on %s", h.PID, printable(h.Host))
	if h.Label != "" {
		name = printable(h.Label) + ", " + name
	}
	return name
}

// age is how long ago something was, in seconds.
func age(since, now time.Time) time.Duration {
	return max(0, now.Sub(since)).Round(time.Second)
}

// clip shortens a line to so many columns, if each character takes one.
func clip(line string, width int) string {
	if width < 1 || utf8.RuneCountInString(line) <= width {
		return line
	}
	return string([]rune(line)[:width-1]) + "…"
}
