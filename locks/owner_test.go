package locks

import (
	"encoding/base64"
	"sync"
	"testing"

	"github.com/concurrent-go/concurrent/driver"
)

// No two leases have one owner's name, whoever asks for them at the same time,
// and every store takes each.
func TestOwnersAreUnique(t *testing.T) {
	t.Parallel()
	const goroutines, each = 8, 5000
	var slot idSlot
	names := make([][]string, goroutines)
	var all sync.WaitGroup
	for i := range names {
		all.Go(func() {
			for range each {
				names[i] = append(names[i], slot.next())
			}
		})
	}
	all.Wait()
	seen := make(map[string]bool)
	for _, some := range names {
		for _, name := range some {
			r := driver.Request{Key: "k", Owner: name}
			if err := r.Check(); err != nil {
				t.Fatal(err)
			}
			if seen[name] {
				t.Fatalf("%q was handed out twice", name)
			}
			seen[name] = true
		}
	}
}

// Nobody who knows some owners can tell those of another process, nor the later
// ones of this: 128 random bits stand before what counts, new ones from time to
// time.
func TestOwnersCantBeGuessed(t *testing.T) {
	t.Parallel()
	var one, other idSlot
	random := make(map[string]int)
	for range ownerBlocks * ownersAtOnce {
		random[one.next()[:22]]++
		random[other.next()[:22]]++
	}
	if len(random) != 2 {
		t.Errorf("%d random parts of two sources", len(random))
	}
	if next := one.next()[:22]; random[next] != 0 {
		t.Errorf("%q is used for more than %d names", next, ownerBlocks*ownersAtOnce)
	}
	for part := range random {
		raw, err := base64.RawURLEncoding.DecodeString(part)
		if err != nil || len(raw) != ownerBytes {
			t.Errorf("%q has %d random bytes, %v", part, len(raw), err)
		}
	}
}
