package redis

// nearest returns the name that is a misspelt one most likely, and "" if none
// is near.
func nearest(wrong string, names []string) string {
	best, least := "", min(len(wrong), 12)/3+2
	for _, name := range names {
		if d := distance(wrong, name); d < least {
			best, least = name, d
		}
	}
	return best
}

// distance is the number of bytes to insert, delete or replace to make b of a.
// Names that are too long are far from all.
func distance(a, b string) int {
	const long = 64
	if len(a) > long {
		return long
	}
	last, now := make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := range len(a) {
		now[0] = i + 1
		for j := range len(b) {
			d := last[j]
			if a[i] != b[j] {
				d++
			}
			now[j+1] = min(d, last[j+1]+1, now[j]+1)
		}
		last, now = now, last
	}
	return last[len(b)]
}
