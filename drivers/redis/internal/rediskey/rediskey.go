// Package rediskey names what the driver stores: the Redis key of each lock, and the
// channel of each store. It has the only code that makes or reads these names.
package rediskey

import "strings"

// Space begins the name of every key and channel of the driver.
const Space = "lk:"

// Channels begins the name of every channel, and ChannelLen is how many bytes of a
// channel's name come after it. The scripts know both.
const (
	Channels   = Space + "in:"
	ChannelLen = 12
)

// tagged is how long "lk:{00}:" is.
const tagged = len(Space) + 5

const digits = "0123456789abcdef"

// Name returns the name of the Redis key that holds the state of the lock called key.
// The tag in braces says where a Cluster keeps it; it stands before the caller's bytes,
// so that braces in them mean nothing, and is one of 256, so that the keys that a
// pattern finds are spread and yet can be told from others.
func Name(key string) string {
	h := uint32(2166136261) // FNV-1a
	for i := range len(key) {
		h = (h ^ uint32(key[i])) * 16777619
	}
	h ^= h >> 16
	b := byte(h ^ h>>8)
	return Space + "{" + digits[b>>4:b>>4+1] + digits[b&15:b&15+1] + "}:" + key
}

// Lock returns the lock's key of a Redis key, and whether it is one.
func Lock(name string) (key string, ok bool) {
	if len(name) <= tagged || Name(name[tagged:]) != name {
		return "", false
	}
	return name[tagged:], true
}

// Pattern matches the Redis keys of locks that begin with prefix, whatever bytes it
// has. It may match others too: Lock tells.
func Pattern(prefix string) string {
	var b strings.Builder
	b.WriteString(Space + `{??}:`)
	for i := range len(prefix) {
		if strings.IndexByte(`*?[]\^-`, prefix[i]) >= 0 {
			b.WriteByte('\\')
		}
		b.WriteByte(prefix[i])
	}
	b.WriteByte('*')
	return b.String()
}
