package redis

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/concurrent-go/concurrent/driver"
	"github.com/concurrent-go/concurrent/integration/requests"
	"github.com/concurrent-go/concurrent/integration/servers"
)

// BenchmarkScripts is for how long a script keeps the server, with queues of 10,000.
func BenchmarkScripts(b *testing.B) {
	const many = 10_000
	q := startQueue(b)
	for _, crowd := range []struct {
		name string
		dead func(int) bool
	}{{"living", noneOf}, {"dead", anyOf}, {"mixed", everyOdd}} {
		queue := crowdOf(many, crowd.dead)
		one := len(queue) / many
		place := func(n int) int { return 768 + n*one }
		channel := livingStore
		if crowd.dead(0) {
			channel = deadStore
		}
		for _, x := range []struct {
			name string
			ends float64
			do   func()
		}{
			{"join", heldTill, func() { q.acquire("p", nameOf(livingStore, many)+"+") }},
			{"again", heldTill, func() { q.acquire("p", fmt.Sprint(nameOf(channel, many/2), place(many/2))) }},
			{"again-moved", heldTill, func() { q.acquire("p", fmt.Sprint(nameOf(channel, many/2), place(many/2+200))) }},
			{"try", heldTill, func() { q.acquire("p", "") }},
			{"try-free", 0, func() { q.acquire("p", "") }},
			{"release", heldTill, func() { q.run("release", "1", 0, "o") }},
			{"extend", heldTill, func() { q.run("extend", 0, 60_000_000, 61_000, "o") }},
			{"keep", heldTill, func() { q.run("keep", 0, 0, "o") }},
			{"leave", heldTill, func() { q.run("leave", "1", 0, "p", fmt.Sprint(nameOf(channel, many/2), place(many/2))) }},
			{"inspect", heldTill, func() { q.run("inspect", 0) }},
			{"break", heldTill, func() { q.run("break", "1") }},
		} {
			b.Run("queue="+crowd.name+"/script="+x.name, func(b *testing.B) {
				var spent time.Duration
				n := 0
				for b.Loop() {
					q.set(recordOf("o", x.ends, queue))
					spent += q.took(x.do)
					n++
				}
				b.ReportMetric(float64(spent.Microseconds())/float64(n), "server-µs/op")
			})
		}
	}
}

// BenchmarkReaders is for how long the release of a reader keeps the server, beside
// 10,000 others.
func BenchmarkReaders(b *testing.B) {
	q := startQueue(b)
	for _, many := range []int{10, 10_000} {
		b.Run(fmt.Sprint("readers=", many), func(b *testing.B) {
			q.client.Del(b.Context(), queueKey)
			q.readers(many)
			who := fmt.Sprint("reader", many-1)
			var spent time.Duration
			n := 0
			for b.Loop() {
				spent += q.took(func() { q.run("release", "1", -1, who) })
				q.now++
				q.run("acquire", "1", -1, 60_000_000, 61_000, livingStore+"\x01h\x01l7", "", who)
				n++
			}
			b.ReportMetric(float64(spent.Microseconds())/float64(n), "server-µs/op")
		})
	}
}

// BenchmarkIdleWaiters is for how much of a core the server needs while so many wait for
// one key, which is held, and nothing else happens. An iteration is a second.
func BenchmarkIdleWaiters(b *testing.B) {
	for _, many := range []int{250, 500, 1000, 2000} {
		b.Run(fmt.Sprint("waiters=", many), func(b *testing.B) {
			srv := servers.NewRedis(b, "redis")
			client := redis.NewClient(&redis.Options{Addr: srv.Addr()})
			defer func() { _ = client.Close() }()
			s, err := openURL(b.Context(), "redis://"+srv.Addr())
			if err != nil {
				b.Fatal(err)
			}
			defer func() { _ = s.Close() }()
			if _, err := s.TryAcquire(b.Context(), requests.Ask("k", time.Hour)); err != nil {
				b.Fatal(err)
			}
			ctx, cancel := context.WithCancel(b.Context())
			var group sync.WaitGroup
			for range many {
				group.Go(func() { _, _ = s.(driver.Waiter).Acquire(ctx, requests.Ask("k", time.Minute)) })
			}
			<-time.After(3 * time.Second) // until all have asked again
			before, seconds := processorTime(b, client), 0
			for b.Loop() {
				<-time.After(time.Second)
				seconds++
			}
			b.ReportMetric(100*(processorTime(b, client)-before)/float64(seconds), "%core")
			cancel()
			group.Wait()
		})
	}
}

// processorTime is how many seconds of processor time a server has used.
func processorTime(t testing.TB, client *redis.Client) (sum float64) {
	t.Helper()
	info, err := client.Info(t.Context(), "cpu").Result()
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(info) {
		for _, name := range []string{"used_cpu_user:", "used_cpu_sys:"} {
			if text, ok := strings.CutPrefix(line, name); ok {
				n, err := strconv.ParseFloat(strings.TrimSpace(text), 64)
				if err != nil {
					t.Fatal(err)
				}
				sum += n
			}
		}
	}
	return sum
}
