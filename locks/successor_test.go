package locks

import (
	"testing"
	"time"

	"github.com/concurrent-go/concurrent"
)

// One that wants another lease than the holder's gets it from the store.
func TestSuccessorOnOtherTermsAsksTheStore(t *testing.T) {
	for name, opts := range map[string][2]Option{
		"another length":          {WithKeepAlive(30 * time.Second), WithKeepAlive(time.Minute)},
		"fixed after renewed":     {WithKeepAlive(time.Minute), WithExpire(time.Minute)},
		"renewed after fixed":     {WithExpire(time.Minute), WithKeepAlive(time.Minute)},
		"fixed after fixed":       {WithExpire(time.Minute), WithExpire(time.Minute)},
		"another label":           {WithLabel("one"), WithLabel("other")},
		"kept for a while after":  {WithLabel("same"), WithMinHold(time.Second)},
		"without end after fixed": {WithExpire(time.Minute), WithExpire(Forever)},
	} {
		in(t, func(t *testing.T, b *bench) {
			holder, successor := b.cache("k", WithWait(Forever), opts[0]), b.cache("k", WithWait(Forever), opts[1])
			mustAcquire(t, holder)
			token := holder.Token()
			done := queued(t, successor)
			mustRelease(t, holder)
			if err := <-done; err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			if n := b.store.count("extend"); n != 0 || successor.Token() <= token+1 {
				t.Errorf("%s: %d Extends, token %d after %d", name, n, successor.Token(), token)
			}
			want, _ := successor.options.terms(concurrent.DefaultLease)
			if got := successor.Remaining(); want == Forever && got != Forever || want != Forever && got != usableOf(want) {
				t.Errorf("%s: remaining is %v of %v", name, got, want)
			}
			mustRelease(t, successor)
		})
	}
}

// One whose lease is of the same length pays nothing.
func TestSuccessorOfTheSameLengthPaysNothing(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		holder, locks, done := lineOf(t, b, 1, WithKeepAlive(time.Minute))
		time.Sleep(5 * time.Millisecond)
		mustRelease(t, holder)
		if err := <-done[0]; err != nil {
			t.Fatal(err)
		}
		if n := b.store.count("extend") + b.store.count("release"); n != 0 {
			t.Errorf("the store was told %d times", n)
		}
		if got, want := locks[0].Remaining(), usableOf(time.Minute)-5*time.Millisecond; got != want {
			t.Errorf("remaining is %v, want %v", got, want)
		}
		mustRelease(t, locks[0])
	})
}

// Leases without end go down the line as they are.
func TestSuccessorOfALeaseWithoutEnd(t *testing.T) {
	in(t, func(t *testing.T, b *bench) {
		holder, locks, done := lineOf(t, b, 1, WithExpire(Forever))
		mustRelease(t, holder)
		if err := <-done[0]; err != nil {
			t.Fatal(err)
		}
		if n := b.store.count("extend") + b.store.count("release"); n != 0 || locks[0].Remaining() != Forever {
			t.Errorf("the store was told %d times, remaining is %v", n, locks[0].Remaining())
		}
		mustRelease(t, locks[0])
	})
}
