package clock

import (
	"testing"
	"testing/synctest"
	"time"
)

func TestSinceTakesTheClockThatSaysMore(t *testing.T) {
	t.Parallel()
	begin := Instant{Mono: 100, Wall: 1000}
	for _, test := range []struct {
		now  Instant
		want time.Duration
	}{
		{Instant{Mono: 105, Wall: 1005}, 5},
		{Instant{Mono: 105, Wall: 1090}, 90}, // suspended, or set forward
		{Instant{Mono: 105, Wall: 10}, 5},    // set back
	} {
		if got := test.now.Since(begin); got != test.want {
			t.Errorf("%v, want %v", got, test.want)
		}
	}
}

func TestBothClocksRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begin := Now()
		time.Sleep(time.Minute)
		if now := Now(); now.Mono-begin.Mono != int64(time.Minute) || now.Wall-begin.Wall != int64(time.Minute) {
			t.Errorf("%v after a minute from %v", now, begin)
		}
		if at := At(time.Now()); at != Now() {
			t.Errorf("%v is not %v", at, Now())
		}
	})
}

func TestSkewMovesTheWallClockOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begin := Now()
		SkewWall(time.Hour)
		defer SkewWall(0)
		if now := Now(); now.Mono != begin.Mono || now.Wall != begin.Wall+int64(time.Hour) {
			t.Errorf("%v after a jump of an hour from %v", now, begin)
		}
	})
}

// Later reads one clock within a millisecond, and both after it.
func TestLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begin := Now()
		SkewWall(time.Hour)
		defer SkewWall(0)
		time.Sleep(time.Millisecond - 1)
		if got, want := begin.Later(), (Instant{begin.Mono + 999_999, begin.Wall + 999_999}); got != want {
			t.Errorf("%v, want %v", got, want)
		}
		time.Sleep(time.Nanosecond)
		if got := begin.Later(); got != Now() {
			t.Errorf("%v, want %v", got, Now())
		}
	})
}
