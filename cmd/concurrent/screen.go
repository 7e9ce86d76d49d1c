package main

import (
	"fmt"
	"io"
	"strings"
	"time"
)

// A screen shows the play: on a terminal as a timeline, a row for each worker,
// above the last lines of what happened; elsewhere as lines alone.
type screen struct {
	w     io.Writer
	width int // of the terminal; 0: there is none
	head  string
	rows  []row
	lines []string // the last ones
	drawn int      // how many lines stand on the terminal
}

// A row is a worker's part of the timeline.
type row struct {
	now   deed
	cells []rune
}

const (
	frameTime = 100 * time.Millisecond
	lastLines = 6
	margins   = 14 // columns beside the timeline
	maxCells  = 100

	// These are done to a worker, not by it.
	wasKilled deed = "killed"
	wasFrozen deed = "frozen"
)

// What a cell of the timeline looks like.
var cells = map[deed]rune{waits: '·', got: '█', wasKilled: '✗', wasFrozen: '░'}

func newScreen(w io.Writer, rows int) *screen {
	s := &screen{w: w, rows: make([]row, rows)}
	s.width, _ = terminal(w)
	if s.width > 0 {
		fmt.Fprint(w, "\x1b[?25l") // no cursor
	}
	return s
}

// title says what is shown.
func (s *screen) title(format string, args ...any) {
	s.head = fmt.Sprintf(format, args...)
	if s.width == 0 {
		fmt.Fprintln(s.w, s.head)
	}
}

// did notes what a worker did, or what was done to it.
func (s *screen) did(worker int, what deed) { s.rows[worker-1].now = what }

// say adds a line about a worker.
func (s *screen) say(at time.Duration, worker int, format string, args ...any) {
	line := fmt.Sprintf("%5.2fs  worker %d  %s", at.Seconds(), worker, fmt.Sprintf(format, args...))
	if s.width == 0 {
		fmt.Fprintln(s.w, line)
		return
	}
	s.lines = append(s.lines, line)
	s.lines = s.lines[max(0, len(s.lines)-lastLines):]
}

// frame draws the timeline as far as it goes at a time of the play.
func (s *screen) frame(at time.Duration) {
	if s.width == 0 {
		return
	}
	total := max(1, min(maxCells, s.width-margins))
	due := min(total, int(at*time.Duration(total)/showTime)+1)
	for i := range s.rows {
		r := &s.rows[i]
		for len(r.cells) < due {
			cell, ok := cells[r.now]
			if !ok {
				cell = ' '
			}
			r.cells = append(r.cells, cell)
		}
	}
	s.draw(total)
}

// draw writes everything over what was drawn before.
func (s *screen) draw(total int) {
	out := []string{s.head, ""}
	for i, r := range s.rows {
		out = append(out, fmt.Sprintf("  worker %d │%s%s│", i+1, string(r.cells), strings.Repeat(" ", total-len(r.cells))))
	}
	out = append(out, "", "  █ holds the lock   · waits   ✗ killed   ░ frozen", "")
	out = append(out, s.lines...)
	var b strings.Builder
	if s.drawn > 0 {
		fmt.Fprintf(&b, "\x1b[%dA", s.drawn)
	}
	for _, line := range out {
		b.WriteString("\r" + clip(line, s.width-1) + "\x1b[K\n")
	}
	s.drawn = len(out)
	fmt.Fprint(s.w, b.String())
}

// end writes the last lines.
func (s *screen) end(lines []string) {
	fmt.Fprintln(s.w)
	for _, line := range lines {
		fmt.Fprintln(s.w, line)
	}
}

// close gives the terminal back as it was.
func (s *screen) close() {
	if s.width > 0 {
		fmt.Fprint(s.w, "\x1b[?25h")
	}
}
