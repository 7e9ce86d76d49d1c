package redis

import (
	"fmt"
	"strings"
	"testing"

	"github.com/concurrent-go/concurrent/driver"
)

var oddKeys = []string{
	"k", "{}", "}{", "{a}b", "\x00", "*", "?", "[a-z]", `\`, "^", "-", "lk:{00}:k", strings.Repeat("}", driver.MaxKey),
}

// A Cluster hashes what stands between the first { and the next }: that must be
// our tag, whatever the key is.
func TestTheTagStandsBeforeAllBytesOfTheKey(t *testing.T) {
	for _, key := range oddKeys {
		name := redisKey(key)
		from := strings.IndexByte(name, '{')
		if to := strings.IndexByte(name, '}'); from != len(space) || to != from+3 || name[tagged:] != key {
			t.Errorf("the name of %q is %q", key, name)
		}
	}
}

func TestNamesTellTheirKeys(t *testing.T) {
	for _, key := range oddKeys {
		if got, ok := lockKey(redisKey(key)); !ok || got != key {
			t.Errorf("the name of %q is read as %q, %v", key, got, ok)
		}
	}
	for _, name := range []string{"", space, "lk:{00}:", "lk:{zz}:k", "xx" + redisKey("k")[2:], redisKey("k") + "x"} {
		if key, ok := lockKey(name); ok {
			t.Errorf("%q is read as the name of %q", name, key)
		}
	}
}

func TestTagsAreSpread(t *testing.T) {
	tags := make(map[string]int)
	for i := range 25_600 {
		tags[redisKey(fmt.Sprintf("order:%d", i))[:tagged]]++
	}
	if len(tags) != 256 {
		t.Errorf("%d tags, want 256", len(tags))
	}
	for tag, n := range tags {
		if n < 50 || n > 200 {
			t.Errorf("%s has %d of 25,600 keys, want about 100", tag, n)
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
		if got := keyPattern(prefix); got != want {
			t.Errorf("the pattern of %q is %s, want %s", prefix, got, want)
		}
	}
}
