package rediskey_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/concurrent-go/concurrent/driver"
	"github.com/concurrent-go/concurrent/drivers/redis/internal/rediskey"
)

// tagged is how long what stands before a lock's own bytes is.
const tagged = len("lk:{00}:")

var oddKeys = []string{
	"k", "{}", "}{", "{a}b", "\x00", "*", "?", "[a-z]", `\`, "^", "-", "lk:{00}:k", strings.Repeat("}", driver.MaxKey),
}

// Keys are found by programs of other versions: a name never changes.
func TestNamesAreTheOnesThatServersHave(t *testing.T) {
	for key, want := range map[string]string{
		"k": "lk:{30}:k", "report": "lk:{7d}:report", "{a}b": "lk:{f8}:{a}b", "billing:42": "lk:{58}:billing:42",
	} {
		if got := rediskey.Name(key); got != want {
			t.Errorf("the name of %q is %q, want %q", key, got, want)
		}
	}
	if rediskey.Channels != "lk:in:" {
		t.Errorf("channels begin with %q", rediskey.Channels)
	}
}

// slot is where a Cluster keeps a key, as its specification says: the CRC16 of what
// stands between the first brace and the next that closes, or of all of it.
func slot(name string) int {
	if _, rest, ok := strings.Cut(name, "{"); ok {
		if tag, _, ok := strings.Cut(rest, "}"); ok && tag != "" {
			name = tag
		}
	}
	crc := uint16(0)
	for i := range len(name) {
		crc ^= uint16(name[i]) << 8
		for range 8 {
			if crc&0x8000 != 0 {
				crc = crc<<1 ^ 0x1021
			} else {
				crc <<= 1
			}
		}
	}
	return int(crc % 16384)
}

func TestSlotIsTheTags(t *testing.T) {
	if n := slot("123456789"); n != 0x31c3 { // the specification's example
		t.Fatalf("the test computes %#x", n)
	}
	for _, key := range oddKeys {
		name := rediskey.Name(key)
		tag := name[len("lk:{") : tagged-len("}:")]
		if slot(name) != slot(tag) || name[tagged:] != key {
			t.Errorf("the name of %q is %q, whose slot is not the tag's", key, name)
		}
	}
}

func TestTagsAndSlotsAreSpread(t *testing.T) {
	tags, slots := make(map[string]int), make(map[int]int)
	for i := range 25_600 {
		name := rediskey.Name(fmt.Sprintf("order:%d", i))
		tags[name[:tagged]]++
		slots[slot(name)*3/16384]++
	}
	if len(tags) != 256 {
		t.Errorf("%d tags, want 256", len(tags))
	}
	for tag, n := range tags {
		if n < 50 || n > 200 {
			t.Errorf("%s has %d of 25,600 keys, want about 100", tag, n)
		}
	}
	for node, n := range slots { // of three, as most have
		if n < 6000 || n > 11_000 {
			t.Errorf("node %d has %d of 25,600 keys, want about a third", node, n)
		}
	}
}

func TestNamesTellTheirLocks(t *testing.T) {
	for _, key := range oddKeys {
		if got, ok := rediskey.Lock(rediskey.Name(key)); !ok || got != key {
			t.Errorf("the name of %q is read as %q, %v", key, got, ok)
		}
	}
	for _, name := range []string{"", rediskey.Space, "lk:{00}:", "lk:{zz}:k", "xx" + rediskey.Name("k")[2:], rediskey.Name("k") + "x"} {
		if key, ok := rediskey.Lock(name); ok {
			t.Errorf("%q is read as the name of %q", name, key)
		}
	}
}

func TestPatternsQuoteWhatRedisReads(t *testing.T) {
	for prefix, want := range map[string]string{
		"":      `lk:{??}:*`,
		"a:":    `lk:{??}:a:*`,
		"a*b":   `lk:{??}:a\*b*`,
		"[x]?":  `lk:{??}:\[x\]\?*`,
		`\`:     `lk:{??}:\\*`,
		"a-b^c": `lk:{??}:a\-b\^c*`,
	} {
		if got := rediskey.Pattern(prefix); got != want {
			t.Errorf("the pattern of %q is %s, want %s", prefix, got, want)
		}
	}
}
