package redis

import (
	"fmt"
	"testing"
	"time"
)

// A release of one of many readers read them all, if it was one of the last to come.
func TestAReleaseOfOneOfManyReadersReadsNoOthers(t *testing.T) {
	q := startQueue(t)
	const many = 3000
	q.readers(many)
	for _, i := range []int{many - 1, 0, many / 2} {
		took := q.took(func() {
			if q.run("release", "1", -1, fmt.Sprint("reader", i)) != int64(1) {
				t.Errorf("reader %d did not hold the key", i)
			}
		})
		if calls := q.reads(); calls != 0 {
			t.Errorf("the release of reader %d (%v) read all of them %d times", i, took, calls)
		}
	}
}

// readers has so many readers hold the key, each to end later than the one before.
func (q *queueServer) readers(many int) {
	q.t.Helper()
	for i := range many {
		q.now = queueNow + int64(i)
		q.run("acquire", "1", -1, 60_000_000, 61_000, livingStore+"\x01h\x01l7", "", fmt.Sprint("reader", i))
	}
}

// reads is how often the server has read all of a hash since it was asked last.
func (q *queueServer) reads() int {
	q.t.Helper()
	stats, err := q.client.Info(q.t.Context(), "commandstats").Result()
	if err != nil {
		q.t.Fatal(err)
	}
	if err := q.client.ConfigResetStat(q.t.Context()).Err(); err != nil {
		q.t.Fatal(err)
	}
	return callsIn(q.t, stats, "hgetall")
}

// A count of readers that is too long to be read at each release is right all the same:
// the key is free when the last has given it back, or has ended.
func TestManyReadersLeaveAKeyThatIsFree(t *testing.T) {
	q := startQueue(t)
	const many = 200
	for name, away := range map[string]func(i int) bool{
		"all give it back":   func(int) bool { return true },
		"every other ends":   everyOdd,
		"the last ones end":  func(i int) bool { return i < many/2 },
		"the first ones end": func(i int) bool { return i >= many/2 },
	} {
		q.client.Del(t.Context(), queueKey)
		q.readers(many)
		left := 0
		for i := range many {
			if away(i) {
				q.run("release", "1", -1, fmt.Sprint("reader", i))
			} else {
				left++
			}
		}
		got := q.acquire("p", "")[0].(int64) > 2
		if got != (left == 0) {
			t.Errorf("%s: granted %v with %d readers", name, got, left)
		}
		q.now += (61 * time.Second).Microseconds()
		if !got && q.acquire("p", "")[0].(int64) <= 2 {
			t.Errorf("%s: refused after the end of the last", name)
		}
	}
}
