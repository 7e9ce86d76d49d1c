package reply

import (
	"cmp"
	"slices"
	"time"

	"github.com/concurrent-go/concurrent/driver"
	"github.com/concurrent-go/concurrent/drivers/redis/internal/rediskey"
)

// Info reads what listing.lua and its callers return of a key: how many wait, the leases,
// and from where in the queue to go on counting, if that is not 0. Ages and times left
// count from now.
func Info(key string, table []any, now time.Time) (info driver.Info, more int64, err error) {
	if len(table) != 3 {
		return info, 0, ErrForm
	}
	waiters, ok := table[0].(int64)
	leases, ok2 := table[1].([]any)
	more, ok3 := table[2].(int64)
	if !ok || !ok2 || !ok3 || waiters < 0 || more < 0 {
		return info, 0, ErrForm
	}
	info = driver.Info{Key: key, Waiters: int(waiters), Holders: make([]driver.Held, len(leases))}
	for i, l := range leases {
		row, ok := l.([]any)
		if !ok || !readHeld(row, now, &info.Holders[i]) {
			return driver.Info{}, 0, ErrForm
		}
	}
	slices.SortFunc(info.Holders, func(a, b driver.Held) int { return cmp.Compare(a.Token, b.Token) })
	return info, more, nil
}

// readHeld reads one lease: owner, mode, token, age, time left, channel and
// holder.
func readHeld(row []any, now time.Time, h *driver.Held) bool {
	var n [4]int64
	if len(row) != 6 {
		return false
	}
	for i := range n {
		v, ok := row[i+1].(int64)
		if !ok {
			return false
		}
		n[i] = v
	}
	text, ok := row[5].(string)
	if !ok || len(text) < rediskey.ChannelLen {
		return false
	}
	h.Holder, h.Mode, h.Token = Holder(text[rediskey.ChannelLen:]), driver.Mode(n[0]), Token(uint64(n[1]))
	h.Since = now.Add(-time.Duration(n[2]) * time.Microsecond)
	if n[3] >= 0 {
		h.Until = now.Add(time.Duration(n[3]) * time.Microsecond)
	}
	return true
}
