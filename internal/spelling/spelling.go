// Package spelling finds what a misspelt name was meant to be, and says so.
package spelling

import "strings"

// longest is how long names may be, in bytes: longer ones are near to none, so
// that no input is slow.
const longest = 64

// Nearest returns the name that wrong is most likely a misspelling of, whatever
// its case, and "" if none is near.
func Nearest(wrong string, names []string) string {
	best, least := "", max(1, min(len(wrong), 12)/3)+1
	for _, name := range names {
		if d := distance(strings.ToLower(wrong), strings.ToLower(name)); d < least {
			best, least = name, d
		}
	}
	return best
}

// Hint returns `; did you mean "x"?` for the name that is nearest to a misspelt
// one, and nothing if none is near.
func Hint(wrong string, names []string) string {
	best := Nearest(wrong, names)
	if best == "" {
		return ""
	}
	return `; did you mean "` + best + `"?`
}

// distance is the number of bytes to insert, delete, replace or swap with their
// neighbour to make b of a: Damerau's and Levenshtein's, each byte changed once.
func distance(a, b string) int {
	if max(len(a), len(b)) > longest {
		return longest
	}
	before, last, now := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		now[0] = i
		for j := 1; j <= len(b); j++ {
			replaced := last[j-1]
			if a[i-1] != b[j-1] {
				replaced++
			}
			now[j] = min(replaced, last[j]+1, now[j-1]+1)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				now[j] = min(now[j], before[j-2]+1)
			}
		}
		before, last, now = last, now, before
	}
	return last[len(b)]
}
