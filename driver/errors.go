package driver

import (
	"errors"
	"fmt"
	"time"
)

// What a store's methods return, alone or wrapped, to be matched by errors.Is.
var (
	// ErrHeld: the key is held in a way that excludes the request. Nothing was
	// granted. Stores return it as a *HeldError.
	ErrHeld = errors.New("driver: key is held")

	// ErrNotHeld: that owner does not hold the key. Nothing was changed.
	ErrNotHeld = errors.New("driver: key is not held by this owner")

	// ErrInvalidRequest: the request's key, owner, mode or lease is not one
	// that the store takes. Nothing was changed.
	ErrInvalidRequest = errors.New("driver: invalid request")

	// ErrUnsupported: the store can't do that, and never will. Nothing was
	// changed.
	ErrUnsupported = errors.New("driver: not supported by this store")

	// ErrUnavailable: the store can't be reached or can't serve the request
	// now. The error says what to do. What was asked for may have happened.
	ErrUnavailable = errors.New("driver: store unavailable")

	// ErrUnfit: the store would not keep the promises of this package. The
	// error says why and what would be fit. Found at Open.
	ErrUnfit = errors.New("driver: store is not fit to hold locks")

	// ErrClosed: the Store was closed. Nothing was granted.
	ErrClosed = errors.New("driver: store is closed")
)

// A HeldError is ErrHeld with what the store knows of the holder.
type HeldError struct {
	// For is how long the key may be held if nobody extends or releases it:
	// Forever for a lease without end, 0 where the store does not know.
	For time.Duration

	// Holder is who holds the key, or one of those who do, where the store
	// knows it without another trip; of a key that was kept, who kept it. The
	// zero Holder: the store does not know, or nobody said who he is.
	Holder Holder

	// Since is when that holder got the key, on this machine's clock; zero: the
	// store does not know.
	Since time.Time
}

// Error says that the key is held, by whom where that is known, and for how long it
// may be.
func (e *HeldError) Error() string {
	text := ErrHeld.Error()
	if e.Holder != (Holder{}) {
		text += " by " + e.Holder.String()
	}
	if !e.Since.IsZero() {
		text += " since " + e.Since.Format(time.RFC3339)
	}
	switch e.For {
	case 0:
		return text
	case Forever:
		return text + " until it is released"
	}
	return fmt.Sprintf("%s, for up to %v", text, e.For.Round(time.Millisecond))
}

// Is reports whether target is ErrHeld.
func (*HeldError) Is(target error) bool { return target == ErrHeld }
