package locks

import (
	"crypto/rand"
	"encoding/base64"
	"sync/atomic"
)

const (
	ownerBytes = 16 // random, so that nobody else can guess an owner
	ownerText  = 24 // 22 characters of them, and two that count

	// ownersAtOnce are made of the same random bytes and share their memory
	// until the last is let go.
	ownersAtOnce = 8
	// ownerBlocks are made before new random bytes are taken: what counts has
	// two digits of 64.
	ownerBlocks = 64 * 64 / ownersAtOnce
)

const digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

// An idGenerator hands out owner names: a random part that no other process can
// know, and a count. A call of the system for each name would cost more than an
// uncontended lock.
type idGenerator struct {
	random [22]byte
	blocks int    // that can still be made with these random bytes
	names  string // made and not handed out yet
}

// An idSlot has room for one source: who finds it empty makes another, and
// one of them stays. It costs less than a sync.Pool.
type idSlot struct{ atomic.Pointer[idGenerator] }

// next returns a name that nobody has had before.
func (slot *idSlot) next() string {
	s := slot.Swap(nil)
	if s == nil {
		s = new(idGenerator)
	}
	if s.names == "" {
		s.more()
	}
	name := s.names[:ownerText]
	s.names = s.names[ownerText:]
	slot.Store(s)
	return name
}

// more makes names.
func (s *idGenerator) more() {
	if s.blocks == 0 {
		var raw [ownerBytes]byte
		_, _ = rand.Read(raw[:]) // never fails: see crypto/rand
		base64.RawURLEncoding.Encode(s.random[:], raw[:])
		s.blocks = ownerBlocks
	}
	s.blocks--
	var text [ownersAtOnce * ownerText]byte
	for i := range ownersAtOnce {
		n := s.blocks*ownersAtOnce + i
		name := text[i*ownerText : (i+1)*ownerText]
		copy(name, s.random[:])
		name[22], name[23] = digits[n/64], digits[n%64]
	}
	s.names = string(text[:])
}
