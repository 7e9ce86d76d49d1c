package redis

import (
	"fmt"
	"testing"
	"time"
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
