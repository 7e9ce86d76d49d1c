package redis

import "strings"

// space begins the name of every key and channel of this driver.
const space = "lk:"

// tagged is how long "lk:{00}:" is.
const tagged = len(space) + 5

const digits = "0123456789abcdef"

// redisKey returns the name of the Redis key that holds the state of the lock
// called key. The tag in braces says where a Cluster keeps it; it stands before
// the caller's bytes, so that braces in them mean nothing, and is one of 256, so
// that the keys that a pattern finds are spread and yet can be told from others.
func redisKey(key string) string {
	h := uint32(2166136261) // FNV-1a
	for i := range len(key) {
		h = (h ^ uint32(key[i])) * 16777619
	}
	h ^= h >> 16
	b := byte(h ^ h>>8)
	return space + "{" + digits[b>>4:b>>4+1] + digits[b&15:b&15+1] + "}:" + key
}

// lockKey returns the lock's key of a Redis key, and whether it is one.
func lockKey(name string) (string, bool) {
	if len(name) <= tagged || redisKey(name[tagged:]) != name {
		return "", false
	}
	return name[tagged:], true
}

// keyPattern matches the Redis keys of locks that begin with prefix, whatever
// bytes it has.
func keyPattern(prefix string) string {
	var b strings.Builder
	b.WriteString(space + `{??}:`)
	for i := range len(prefix) {
		if strings.IndexByte(`*?[]\^-`, prefix[i]) >= 0 {
			b.WriteByte('\\')
		}
		b.WriteByte(prefix[i])
	}
	b.WriteByte('*')
	return b.String()
}
