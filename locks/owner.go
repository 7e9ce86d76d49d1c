package locks

import (
	"crypto/rand"
	"encoding/base64"
	weakrand "math/rand/v2"
	"sync"
)

const (
	ownerBytes = 18 // 144 random bits, so that nobody can guess an owner …
	ownerText  = 24 // … which are as many characters, with none left over

	// ownersAtOnce are made and share their memory until the last is let go.
	ownersAtOnce = 8
)

// An ownerSource hands out owner names. They come from ChaCha8, seeded by the
// system, as a call of the system for each would cost more than an uncontended
// lock. It is cryptographically strong, and overwrites its key as it goes on,
// so that names handed out before can't be computed from its state.
type ownerSource struct {
	random *weakrand.ChaCha8
	names  string // made and not handed out yet
}

var ownerSources = sync.Pool{New: func() any {
	var seed [32]byte
	_, _ = rand.Read(seed[:]) // never fails: see crypto/rand
	return &ownerSource{random: weakrand.NewChaCha8(seed)}
}}

// newOwner returns a name that nobody has had before.
func newOwner() string {
	s := ownerSources.Get().(*ownerSource)
	if s.names == "" {
		var raw [ownersAtOnce * ownerBytes]byte
		_, _ = s.random.Read(raw[:]) // never fails
		var text [ownersAtOnce * ownerText]byte
		base64.RawURLEncoding.Encode(text[:], raw[:])
		s.names = string(text[:])
	}
	name := s.names[:ownerText]
	s.names = s.names[ownerText:]
	ownerSources.Put(s)
	return name
}
