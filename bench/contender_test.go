package bench

import (
	"context"
	"errors"
	"time"
)

// A contender is one way to keep a lock on a store.
type contender struct {
	name string
	// floor says that it does what a lock can't do less of: no waiting, no
	// renewal, nothing is given back after a failure.
	floor bool
	// inside says that other processes know nothing of it.
	inside bool
	open   func(address string, lease time.Duration) (*client, error)
}

// A taker takes a key, and returns how to give it back.
type taker func(ctx context.Context, key string) (release func() error, err error)

// A client is a contender that is connected.
type client struct {
	try   taker // errTaken if it is held
	wait  taker // nil: it can't wait
	alive taker // takes a key that is kept alive until it is given back; nil: it has no such thing
	close func()
}

var errTaken = errors.New("taken")

// A store is where locks are, and who keeps them there. The first contender is
// this library.
type store struct {
	name       string
	contenders []contender
}

var stores = []store{
	{"memory", []contender{{name: "concurrent", inside: true, open: openOurs}, {name: "concurrent Local", inside: true, open: openLocal}, mobyLocker, xSemaphore}},
	{"file", []contender{{name: "concurrent", open: openOurs}, gofrsFlock}},
	{"redis", []contender{{name: "concurrent", open: openOurs}, redisByHand, redsyncs, redislocks, redislockBehindMutex, rueidislocks}},
	{"postgres", []contender{
		{name: "concurrent", open: openOurs},
		{name: "concurrent fencing=off", open: openUnfenced},
		pgxByHand, advisoryOnPool, blockedBackend,
	}},
}

func storeOf(name string) *store {
	for i := range stores {
		if stores[i].name == name {
			return &stores[i]
		}
	}
	return nil
}

func (s *store) contender(name string) *contender {
	for i := range s.contenders {
		if s.contenders[i].name == name {
			return &s.contenders[i]
		}
	}
	return nil
}
