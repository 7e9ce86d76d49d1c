package postgres

const (
	// hot is from how many votes on a key is hot, and hottest how many it has at most.
	hot     = 3
	hottest = 16
)

// A heat is the key that this process waits for most, by Boyer and Moore's majority
// vote (MJRTY, 1981): others take its votes away before they get any.
type heat struct {
	lock  int64
	votes int
}

// rise counts a wait for a key.
func (h *heat) rise(lock int64) {
	switch {
	case h.votes == 0:
		h.lock, h.votes = lock, 1
	case h.lock == lock:
		h.votes = min(h.votes+1, hottest)
	default:
		h.votes--
	}
}

// fall counts a key that was not waited for, or in vain.
func (h *heat) fall(lock int64, by int) {
	if h.lock == lock {
		h.votes = max(0, h.votes-by)
	}
}

// isHot reports whether a session is to stand for a key.
func (h *heat) isHot(lock int64) bool { return h.lock == lock && h.votes >= hot }
