package locks

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
)

// A story is what happened in a world.
type story struct {
	mu  sync.Mutex
	all []happening
}

// A happening is written out only if somebody wants to read it.
type happening struct {
	at       time.Duration
	who, did string
	key      string
	number   uint64 // a token, or what the number of an owner is
	err      error
}

func (w *world) note(who, did, key string, number uint64) {
	w.story.add(happening{at: w.now(), who: who, did: did, key: key, number: number})
}

func (s *story) add(h happening) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.all = append(s.all, h)
}

func (h happening) String() string {
	s := fmt.Sprintf("%14v  %-8s %-24s %s", h.at, h.who, h.did, h.key)
	if h.number != 0 {
		s += fmt.Sprint(" ", h.number)
	}
	if h.err != nil {
		s += ": " + h.err.Error()
	}
	return s
}

// last returns the last n lines, in the order in which they were written.
func (s *story) last(n int) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var b strings.Builder
	for _, h := range s.all[max(0, len(s.all)-n):] {
		b.WriteString(h.String() + "\n")
	}
	return b.String()
}

// lines returns all lines. Those of one moment are sorted: their order is the
// scheduler's.
func (s *story) lines() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	lines := make([]string, len(s.all))
	for i, h := range s.all {
		lines[i] = h.String()
	}
	for i := 0; i < len(lines); {
		end := i + 1
		for end < len(lines) && s.all[end].at == s.all[i].at {
			end++
		}
		slices.Sort(lines[i:end])
		i = end
	}
	return lines
}
