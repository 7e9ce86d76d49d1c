package concurrent

import "github.com/concurrent-go/concurrent/internal/spelling"

// didYouMean returns `; did you mean "x"?` for the name that is nearest to a
// misspelt one, and nothing if none is near.
func didYouMean(wrong string, names []string) string {
	best := spelling.Nearest(wrong, names)
	if best == "" {
		return ""
	}
	return `; did you mean "` + best + `"?`
}
