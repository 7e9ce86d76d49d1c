package memory

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/concurrent-go/concurrent/driver"
)

func TestKeptKeyIsNobodys(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := New()
		other := &Store{backend: s.backend}
		r := ask("k", "a", driver.Exclusive)
		r.Holder.Label = "who"
		take(t, s, r)
		for _, lease := range []time.Duration{-1, 1, time.Millisecond - 1} {
			wantErr(t, "Keep too short", s.Keep(t.Context(), lasting(r, lease)), driver.ErrInvalidRequest)
		}
		w := wait(t, other, ask("k", "b", driver.Exclusive))
		synctest.Wait()
		if err := s.Keep(t.Context(), lasting(r, time.Minute)); err != nil {
			t.Fatal(err)
		}
		wantErr(t, "Release of a kept key", s.Release(t.Context(), r), driver.ErrNotHeld)
		wantErr(t, "Keep of a kept key", s.Keep(t.Context(), r), driver.ErrNotHeld)
		_, err := s.Extend(t.Context(), r)
		wantErr(t, "Extend of a kept key", err, driver.ErrNotHeld)
		wantErr(t, "Release by nobody", s.Release(t.Context(), driver.Request{Key: "k"}), driver.ErrInvalidRequest)
		info, err := other.Inspect(t.Context(), "k")
		if err != nil || len(info.Holders) != 1 || info.Holders[0].Holder.Label != "who" || info.Waiters != 1 {
			t.Errorf("Inspect: %+v, %v", info, err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		<-w.done
		if w.err != nil || w.after != time.Minute {
			t.Errorf("granted after %v: %v, want after a minute", w.after, w.err)
		}
		giveBack(t, other, ask("k", "b", driver.Exclusive))
	})
}

// Of many kept slots none has an owner, and they end one by one.
func TestManyKeptSlots(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const n = 3 * manyLeases
		s := New()
		slot := func(i int) driver.Request { return ask("k", fmt.Sprint(i), driver.Slots(n)) }
		for i := range n {
			take(t, s, slot(i))
		}
		for i := range n / 2 {
			if err := s.Keep(t.Context(), lasting(slot(2*i), time.Duration(i+20)*time.Second)); err != nil {
				t.Fatal(err)
			}
		}
		for i := range n {
			err := s.Release(t.Context(), slot(i))
			if i%2 == 0 {
				wantErr(t, "Release of a kept slot", err, driver.ErrNotHeld)
			} else if err != nil {
				t.Errorf("Release of slot %d: %v", i, err)
			}
		}
		time.Sleep(19 * time.Second)
		for left := n / 2; left >= 0; left-- {
			if info, _ := s.Inspect(t.Context(), "k"); len(info.Holders) != left {
				t.Fatalf("%d slots kept, want %d", len(info.Holders), left)
			}
			time.Sleep(time.Second)
		}
	})
}

// entry keeps its leases in a slice whose places change, beside an index. A map
// knows who holds one.
func TestLeasesByOwner(t *testing.T) {
	s := New()
	held := map[string]uint64{}
	for range 20_000 {
		r := ask("k", fmt.Sprint(rand.IntN(2*manyLeases)), driver.Shared)
		switch token, ok := held[r.Owner]; rand.IntN(3) {
		case 0:
			if g := take(t, s, r); ok && g.Token != token {
				t.Fatalf("owner %s has token %d, then %d", r.Owner, token, g.Token)
			} else {
				held[r.Owner] = g.Token
			}
		case 1:
			if err := s.Release(t.Context(), r); ok != (err == nil) {
				t.Fatalf("owner %s holds it: %v; Release: %v", r.Owner, ok, err)
			}
			delete(held, r.Owner)
		case 2:
			if _, err := s.Extend(t.Context(), r); ok != (err == nil) {
				t.Fatalf("owner %s holds it: %v; Extend: %v", r.Owner, ok, err)
			}
		}
	}
	info, err := s.Inspect(t.Context(), "k")
	if err != nil || len(info.Holders) != len(held) {
		t.Fatalf("%d holders, %v, want %d", len(info.Holders), err, len(held))
	}
	if !slices.IsSortedFunc(info.Holders, func(a, b driver.Held) int { return int(a.Token/64) - int(b.Token/64) }) {
		t.Error("holders are not in the order of their grants")
	}
}

func TestCloseEndsOwnLeasesAndWaitsOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := New()
		other := &Store{backend: s.backend}
		take(t, s, ask("mine", "a", driver.Exclusive))
		take(t, other, ask("other's", "b", driver.Exclusive))
		first := wait(t, s, ask("other's", "c", driver.Exclusive))
		synctest.Wait()
		second := wait(t, other, ask("other's", "d", driver.Exclusive))
		heir := wait(t, other, ask("mine", "e", driver.Exclusive))
		synctest.Wait()
		var lost []driver.Loss
		s.NotifyLost(func(l driver.Loss) { lost = append(lost, l) })
		for range 2 {
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
		}
		synctest.Wait()
		if <-first.done; !errors.Is(first.err, driver.ErrClosed) {
			t.Errorf("the closed store's wait: %v", first.err)
		}
		wantOver(t, "after Close", 1, heir, second)
		if len(lost) != 0 {
			t.Errorf("told of %v", lost)
		}
		giveBack(t, other, ask("other's", "b", driver.Exclusive))
		<-second.done
		if second.err != nil {
			t.Error(second.err)
		}
	})
}

func TestClosedAndCheckedInOrder(t *testing.T) {
	s := New()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	ended, cancel := context.WithCancelCause(t.Context())
	cancel(fmt.Errorf("a cause"))
	good := ask("k", "a", driver.Exclusive)
	short := lasting(good, time.Millisecond-1)
	for name, call := range map[string]func(context.Context, driver.Request) error{
		"TryAcquire": func(ctx context.Context, r driver.Request) error { _, err := s.TryAcquire(ctx, r); return err },
		"Acquire":    func(ctx context.Context, r driver.Request) error { _, err := s.Acquire(ctx, r); return err },
		"Extend":     func(ctx context.Context, r driver.Request) error { _, err := s.Extend(ctx, r); return err },
		"ExtendAll": func(ctx context.Context, r driver.Request) error {
			_, errs := s.ExtendAll(ctx, []driver.Request{r})
			return errs[0]
		},
		"Release": s.Release,
		"Keep":    s.Keep,
		"Inspect": func(ctx context.Context, r driver.Request) error { _, err := s.Inspect(ctx, r.Key); return err },
		"Break":   func(ctx context.Context, r driver.Request) error { _, err := s.Break(ctx, r.Key); return err },
		"List": func(ctx context.Context, r driver.Request) error {
			for _, err := range s.List(ctx, "") {
				return err
			}
			return nil
		},
	} {
		wantErr(t, name+" of a closed store", call(t.Context(), good), driver.ErrClosed)
		wantErr(t, name+" with an ended context", call(ended, good), context.Canceled)
		if name != "List" {
			wantErr(t, name+" without a key", call(ended, driver.Request{Owner: "a", Lease: time.Second}), driver.ErrInvalidRequest)
		}
		if name != "Release" && name != "Inspect" && name != "Break" && name != "List" {
			wantErr(t, name+" with too short a lease", call(ended, short), driver.ErrInvalidRequest)
		}
	}
}

func TestBreak(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := New()
		other := &Store{backend: s.backend}
		a, b, kept := ask("k", "a", driver.Shared), ask("k", "b", driver.Shared), ask("k", "kept", driver.Shared)
		take(t, s, a)
		take(t, other, b)
		take(t, s, kept)
		if err := s.Keep(t.Context(), kept); err != nil {
			t.Fatal(err)
		}
		var told []string
		var stop, stopNext func()
		stop = s.NotifyLost(func(l driver.Loss) {
			told = append(told, "s:"+l.Owner+":"+l.Err.Error())
			stop()
			stopNext()
		})
		stopNext = s.NotifyLost(func(driver.Loss) { t.Error("told after another listener called stop") })
		other.NotifyLost(func(l driver.Loss) { told = append(told, "other:"+l.Owner) })
		other.NotifyLost(func(driver.Loss) { t.Error("told after stop") })()
		w := wait(t, s, ask("k", "w", driver.Exclusive))
		synctest.Wait()

		info, err := other.Break(t.Context(), "k")
		if err != nil || len(info.Holders) != 3 || info.Waiters != 1 {
			t.Errorf("Break: %+v, %v", info, err)
		}
		slices.Sort(told)
		if want := []string{"other:b", "s:a:" + errBroken.Error()}; !slices.Equal(told, want) {
			t.Errorf("told %q, want %q", told, want)
		}
		<-w.done
		wantErr(t, "Release of a broken lease", s.Release(t.Context(), a), driver.ErrNotHeld)
		if _, err := s.Break(t.Context(), "k"); err != nil || len(told) != 2 {
			t.Errorf("second Break: %v, told %q after stop", err, told)
		}
		_, err = s.Break(t.Context(), "k")
		wantErr(t, "Break of a free key", err, driver.ErrNotHeld)
	})
}

func TestListOfMany(t *testing.T) {
	s := New()
	hold(t, s, requests(1000))
	seen := map[string]bool{}
	for info, err := range s.List(t.Context(), "key-0000000001") {
		if err != nil || len(info.Holders) != 1 || seen[info.Key] {
			t.Errorf("%+v, %v", info, err)
		}
		seen[info.Key] = true
		if len(seen) == 50 { // the store can be used meanwhile
			pair(t, s, request("new", 0))
		}
	}
	if len(seen) != 100 {
		t.Errorf("%d keys, want 100", len(seen))
	}
	for _, err := range s.List(t.Context(), "") {
		if err != nil {
			t.Error(err)
		}
		break
	}
}
