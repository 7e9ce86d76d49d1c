package main

import (
	"bytes"
	"strings"
	"testing"
	"time"
)

func TestTheTimelineIsDrawnAsItHappens(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	s := &screen{w: &b, width: 34, rows: make([]row, 2)} // 20 cells, half a second each
	s.title("title")
	s.did(1, got)
	s.did(2, waits)
	s.frame(0)
	s.frame(900 * time.Millisecond)
	s.did(1, wasKilled)
	s.did(2, got)
	s.say(time.Second, 1, "is killed")
	b.Reset()
	s.frame(1400 * time.Millisecond)
	shown := b.String()
	for _, want := range []string{"\x1b[7A\rtitle", "worker 1 │██✗ ", "worker 2 │··█ ", "1.00s  worker 1  is killed"} {
		if !strings.Contains(shown, want) {
			t.Errorf("the last frame has no %q: %q", want, shown)
		}
	}
	s.frame(time.Hour)
	if len(s.rows[0].cells) != 20 {
		t.Errorf("%d cells in a row of 20", len(s.rows[0].cells))
	}
}
