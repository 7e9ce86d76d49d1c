package redis

import (
	"fmt"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/concurrent-go/concurrent/integration/requests"
)

// Every 256th waiter's name was cut short when its request was made again, and broke the
// queue. It depends on the moment whether this sees it: a test of the driver always does.
func TestEveryWaiterKeepsItsEntryWhenItAsksAgain(t *testing.T) {
	const many = 50 // '+' is 43
	srv := start(t)
	s, admin := open(t, srv.url()), srv.admin()
	r := requests.Ask("k", time.Minute)
	requests.Take(t, s, r)
	check(t, admin.ConfigSet(t.Context(), "min-replicas-to-write", "1").Err())
	var waiting []*requests.Waiting
	for range many {
		waiting = append(waiting, requests.Wait(t, s, brief("k")))
	}
	requests.Soon(t, "all have asked again and again", func() bool { return refusals(t, admin) >= 100 })
	check(t, admin.ConfigSet(t.Context(), "min-replicas-to-write", "0").Err())
	queued(t, s, "k", many)
	requests.GiveBack(t, s, r)
	var group sync.WaitGroup
	for i, w := range waiting {
		group.Go(func() {
			<-w.Done
			if w.Err != nil {
				t.Errorf("number %d: %v", i+1, w.Err)
			} else if err := s.Release(t.Context(), w.Request); err != nil {
				t.Errorf("number %d: Release: %v", i+1, err)
			}
		})
	}
	group.Wait()
	if n := waiters(t, s, "k"); n != 0 {
		t.Errorf("%d wait still", n)
	}
}

// refusals is how often the server said that it has too few replicas.
func refusals(t *testing.T, admin *redis.Client) int {
	t.Helper()
	info, err := admin.Info(t.Context(), "errorstats").Result()
	check(t, err)
	_, after, _ := strings.Cut(info, "errorstat_NOREPLICAS:count=")
	digits, _, _ := strings.Cut(after, "\r")
	n, _ := strconv.Atoi(digits)
	return n
}

// What a key holds is read by the programs of other versions that use it meanwhile. Where
// one of these differs, the number of the form, its first byte, must be another too.
func TestRecordsHaveTheirForm(t *testing.T) {
	srv := start(t)
	admin := srv.admin()
	const now, key = 1_790_000_000_000_000, "lk:{00}:k"
	run := func(name string, args ...any) {
		t.Helper()
		check(t, script(t, name).Run(t.Context(), admin, []string{key}, append(args, now)...).Err())
	}
	acquire := func(mode int, who, name, takes string) {
		t.Helper()
		run("acquire", "", mode, 60_000_000, 61_000, "channel01234\x01h\x01l7", takes, who, name)
	}
	got := func() string {
		t.Helper()
		text, err := admin.Get(t.Context(), key).Result()
		if err == nil {
			return fmt.Sprintf("%q", text)
		}
		fields, err := admin.HGetAll(t.Context(), key).Result()
		check(t, err)
		return fmt.Sprintf("%q", fields)
	}
	for _, x := range []struct {
		what string
		do   func()
		want string
	}{
		{"held", func() { acquire(0, "o", "", "") }, `"\x02C\x19o\xfbh\x97\x80\x00C\x19o\xfbv\xe5\x9c\x00C\x19o\xfbh\x97\x80\x00\x00\x00\x00\x00\x00\x00\x007\x01o\x00\x11channel01234\x01h\x01l7"`},
		{"with a waiter", func() { acquire(0, "p", "channel56789\x00\x00\x00\x01+", "") }, `"\x02C\x19o\xfbh\x97\x80\x00C\x19o\xfbv\xe5\x9c\x00C\x19o\xfbh\x97\x80\x00\x00\x00\x00\x00\x00\x00\x007\x01o\x00\x11channel01234\x01h\x01l7\x00\x1cC\x19o\xfbi0\x16\x80\x00\x00\x00\x00channel56789\x00\x00\x00\x01"`},
		{"with one that takes what is handed off", func() { acquire(0, "q", "channel56789\x00\x00\x00\x02+", "1") }, `"\x02C\x19o\xfbh\x97\x80\x00C\x19o\xfbv\xe5\x9c\x00C\x19o\xfbh\x97\x80\x00\x00\x00\x00\x00\x00\x00\x007\x01o\x00\x11channel01234\x01h\x01l7\x00\x1cC\x19o\xfbi0\x16\x80\x00\x00\x00\x00channel56789\x00\x00\x00\x01\x00#C\x19o\xfbi0\x16\x80\x00\x00\x00\x00channel56789\x00\x00\x00\x02\x01q\x01h\x01l7"`},
		{"with one who asks for a permit", func() { acquire(3, "r", "channel56789\x00\x00\x00\x03+", "") }, `"\x02C\x19o\xfbh\x97\x80\x00C\x19o\xfbv\xe5\x9c\x00C\x19o\xfbh\x97\x80\x00\x00\x00\x00\x00\x00\x00\x007\x01o\x00\x11channel01234\x01h\x01l7\x00\x1cC\x19o\xfbi0\x16\x80\x00\x00\x00\x00channel56789\x00\x00\x00\x01\x00#C\x19o\xfbi0\x16\x80\x00\x00\x00\x00channel56789\x00\x00\x00\x02\x01q\x01h\x01l7\x00\x1cC\x19o\xfbi0\x16\x80\x00\x00\x00\x03channel56789\x00\x00\x00\x03"`},
		{"free", func() {
			check(t, admin.Del(t.Context(), key).Err())
			acquire(0, "o", "", "")
			run("release", "", 0, "o")
		}, `"\x02C\x19o\xfbh\x97\x80\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00%\x00\x00\x00"`},
		{"kept", func() { acquire(0, "o", "", ""); run("keep", 0, 0, "o") }, `"\x02C\x19o\xfbh\x97\x80\x04C\x19o\xfbv\xe5\x9c\x00C\x19o\xfbh\x97\x80\x00\x00\x00\x00\x00\x00\x00\x008\x02 o\x00\x11            \x01h\x01l7"`},
		{"shared", func() {
			check(t, admin.Del(t.Context(), key).Err())
			acquire(-1, "o", "", "")
			acquire(-1, "p", "", "")
		}, `map["oo":"C\x19o\xfbv\xe5\x9c\x00C\x19o\xfbh\x97\x80\x00C\x19o\xfbh\x97\x80\x00\xff\xff\xff\xffchannel01234\x01h\x01l7" "op":"C\x19o\xfbv\xe5\x9c\x00C\x19o\xfbh\x97\x80\x04C\x19o\xfbh\x97\x80\x00\xff\xff\xff\xffchannel01234\x01h\x01l7" "r":"\x02C\x19o\xfbh\x97\x80\x04C\x19o\xfbv\xe5\x9c\x00C\x19o\xfbv\xe5\x9c\x00\xff\xff\xff\xff\x00\x00\x00)\x00\x00\x04\x00\x00\x00\x02"]`},
		{"shared with a waiter", func() { acquire(0, "q", "channel56789\x00\x00\x00\x01+", "1") }, `map["oo":"C\x19o\xfbv\xe5\x9c\x00C\x19o\xfbh\x97\x80\x00C\x19o\xfbh\x97\x80\x00\xff\xff\xff\xffchannel01234\x01h\x01l7" "op":"C\x19o\xfbv\xe5\x9c\x00C\x19o\xfbh\x97\x80\x04C\x19o\xfbh\x97\x80\x00\xff\xff\xff\xffchannel01234\x01h\x01l7" "r":"\x02C\x19o\xfbh\x97\x80\x04C\x19o\xfbv\xe5\x9c\x00C\x19o\xfbv\xe5\x9c\x00\xff\xff\xff\xff\x00\x00\x00)\x00\x00\x04\x00\x00\x00\x02\x00#C\x19o\xfbi0\x16\x80\x00\x00\x00\x00channel56789\x00\x00\x00\x01\x01q\x01h\x01l7"]`},
		{"permits", func() {
			check(t, admin.Del(t.Context(), key).Err())
			acquire(2, "o", "", "")
			acquire(3, "p", "", "")
		}, `map["oo":"C\x19o\xfbv\xe5\x9c\x00C\x19o\xfbh\x97\x80\x00C\x19o\xfbh\x97\x80\x00\x00\x00\x00\x02channel01234\x01h\x01l7" "op":"C\x19o\xfbv\xe5\x9c\x00C\x19o\xfbh\x97\x80\x04C\x19o\xfbh\x97\x80\x00\x00\x00\x00\x03channel01234\x01h\x01l7" "r":"\x02C\x19o\xfbh\x97\x80\x04C\x19o\xfbv\xe5\x9c\x00C\x19o\xfbv\xe5\x9c\x00\x00\x00\x00\x01\x00\x00\x00)\x00\x00\x04\x00\x00\x00\x02"]`},
	} {
		x.do()
		if g := got(); g != x.want {
			t.Errorf("%s:\n got %s\nwant %s", x.what, g, x.want)
		}
	}
}
