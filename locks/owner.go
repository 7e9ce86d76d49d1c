package locks

import (
	"crypto/rand"
	"encoding/base64"
	weakrand "math/rand/v2"
	"sync"
)

// ownerBytes are random: 128 bits, so that nobody can guess an owner.
const ownerBytes = 16

// owners are generators, seeded by the system, that hand out owner names: a
// call of the system for each would cost more than an uncontended lock.
// ChaCha8 is cryptographically strong, and overwrites its key as it goes on,
// so that names handed out before can't be computed from its state.
var owners = sync.Pool{New: func() any {
	var seed [32]byte
	_, _ = rand.Read(seed[:]) // never fails: see crypto/rand
	return weakrand.NewChaCha8(seed)
}}

// newOwner returns a name that nobody has had before.
func newOwner() string {
	g := owners.Get().(*weakrand.ChaCha8)
	var raw [ownerBytes]byte
	_, _ = g.Read(raw[:]) // never fails
	owners.Put(g)
	var text [22]byte
	base64.RawURLEncoding.Encode(text[:], raw[:])
	return string(text[:])
}
