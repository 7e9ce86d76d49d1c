package wakeup

import (
	"context"
	"encoding/binary"
	"io"
	"math"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/concurrent-go/concurrent/drivers/redis/internal/rediskey"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// handOff is what the scripts write.
func handOff(number uint32, token float64) string {
	text := binary.BigEndian.AppendUint32([]byte("h"), number)
	return string(binary.BigEndian.AppendUint64(text, math.Float64bits(token)))
}

func turn(number uint32) string { return string(binary.BigEndian.AppendUint32([]byte("w"), number)) }

func nobody(t *testing.T) *Subscription {
	return New(func(key, owner string) { t.Errorf("a lease of %q on %q is said to be broken", owner, key) })
}

func TestWaitersHaveNamesOfOneLength(t *testing.T) {
	s := nobody(t)
	names := make(map[string]bool)
	for range 600 {
		w := s.Enter()
		if len(w.Name) != rediskey.ChannelLen+4 || !strings.HasPrefix(w.Name, s.ID()) || names[w.Name] {
			t.Fatalf("a waiter is called %q", w.Name)
		}
		names[w.Name] = true
	}
	if other := nobody(t); other.ID() == s.ID() || len(other.ID()) != rediskey.ChannelLen {
		t.Errorf("another store is called %q too, or has a name of another length: %q", s.ID(), other.ID())
	}
}

func TestNumbersOfThoseWhoWaitAreNotGivenTwice(t *testing.T) {
	s := nobody(t)
	first := s.Enter()
	s.waiters.last = math.MaxUint32 - 1
	if w := s.Enter(); w.number != math.MaxUint32 {
		t.Fatalf("number %d", w.number)
	}
	if w := s.Enter(); w.number != 0 {
		t.Fatalf("number %d", w.number)
	}
	if w := s.Enter(); w.number != first.number+1 {
		t.Errorf("number %d, while %d waits still", w.number, first.number)
	}
}

func TestMessageReachesItsWaiterAlone(t *testing.T) {
	s := nobody(t)
	one, two := s.Enter(), s.Enter()
	s.Deliver(turn(one.number))
	if len(one.Wake) != 1 || len(two.Wake) != 0 || one.HandedOff() != 0 {
		t.Errorf("a turn woke %d and %d, and handed off %d", len(one.Wake), len(two.Wake), one.HandedOff())
	}
	s.Deliver(turn(one.number)) // it was not awake yet: one look is enough
	s.Deliver(handOff(two.number, 7))
	if len(one.Wake) != 1 || len(two.Wake) != 1 || one.HandedOff() != 0 || two.HandedOff() != 7 {
		t.Errorf("a hand-off woke %d and %d, and handed off %d and %d", len(one.Wake), len(two.Wake), one.HandedOff(), two.HandedOff())
	}
	s.Exit(one)
	<-one.Wake
	s.Deliver(turn(one.number))
	if len(one.Wake) != 0 {
		t.Error("a waiter was woken that had left")
	}
	if len(s.waiters.all) != 1 {
		t.Errorf("%d wait, want 1", len(s.waiters.all))
	}
}

func TestNewSubscriptionHasAllLookAgain(t *testing.T) {
	s := nobody(t)
	one, two := s.Enter(), s.Enter()
	live, change, failure := s.Status()
	if live || failure != nil {
		t.Fatalf("live before it listens: %v, %v", live, failure)
	}
	s.set(true, nil)
	<-change
	if live, _, _ := s.Status(); !live || len(one.Wake) != 1 || len(two.Wake) != 1 {
		t.Errorf("live %v, woke %d and %d", live, len(one.Wake), len(two.Wake))
	}
	<-one.Wake
	s.set(false, nil)
	if len(one.Wake) != 0 {
		t.Error("a subscription that broke woke a waiter")
	}
}

func TestBreakTellsKeyAndOwner(t *testing.T) {
	for _, want := range []struct{ key, owner string }{{"k", "o"}, {"{}\x00", strings.Repeat("o", 64)}} {
		told := 0
		s := New(func(key, owner string) {
			if told++; key != want.key || owner != want.owner {
				t.Errorf("told of %q and %q, want %+v", key, owner, want)
			}
		})
		s.Deliver("b" + string(rune(len(want.owner))) + want.owner + rediskey.Name(want.key))
		if told != 1 {
			t.Errorf("told %d times", told)
		}
	}
}

func TestMalformedMessageIsNotHeard(t *testing.T) {
	s := nobody(t)
	w := s.Enter()
	good := handOff(w.number, 7)
	for _, text := range []string{
		"", "h", "w", "b", "bbb", "x" + good[1:], good[:12], good + "x", turn(w.number)[:4], turn(w.number) + "x",
		handOff(w.number+1, 7), handOff(w.number, 0), handOff(w.number, -1), handOff(w.number, math.NaN()),
		handOff(w.number, math.Inf(1)), handOff(w.number, 1<<53), handOff(w.number, 7.5), "b\x01olk:{00}:k", "b\x09o" + rediskey.Name("k"),
	} {
		s.Deliver(text)
		if len(w.Wake) != 0 || w.HandedOff() != 0 {
			t.Fatalf("%q woke a waiter, and handed off %d", text, w.HandedOff())
		}
	}
}

func FuzzMessage(f *testing.F) {
	f.Add(turn(7))
	f.Add(handOff(7, 1_790_000_000_000_000))
	f.Add("b\x01o" + rediskey.Name("k"))
	f.Fuzz(func(t *testing.T, text string) {
		var again string
		switch m := parse(text); m.kind {
		case noMessage:
			return
		case yourTurn:
			again = turn(m.number)
		case handedOff:
			if again = handOff(m.number, float64(m.token)); m.token == 0 {
				t.Error("a lease without a token was handed off")
			}
		case broken:
			again = "b" + string([]byte{byte(len(m.owner))}) + m.owner + rediskey.Name(m.key)
		}
		if again != text {
			t.Errorf("%q is read as %q", text, again)
		}
	})
}

// What the master answers decides what is done, and a refusal ends the questions.
func TestSubscriptionIsJudgedByWhatTheMasterCounts(t *testing.T) {
	for name, c := range map[string]struct {
		n    int64
		err  error
		live bool
		want verdict
	}{
		"counted":     {1, nil, true, here},
		"not counted": {0, nil, true, elsewhere},
		"not yet":     {0, nil, false, unknown},
		"a replica":   {0, proto("READONLY You can't write against a read only replica."), true, unknown},
		"no answer":   {0, io.EOF, true, unknown},
		"not allowed": {0, proto("NOPERM no permissions"), true, beyond},
	} {
		s := nobody(t)
		s.set(c.live, nil)
		if got := s.verify(t.Context(), func(context.Context) (int64, error) { return c.n, c.err }); got != c.want {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}

// proto is an answer of the server's.
type proto string

func (p proto) Error() string { return string(p) }
func (proto) RedisError()     {}
