package bench

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/concurrent-go/concurrent/integration/servers"
)

// BenchmarkRedisHandOver is processes that all want one key: how long it takes
// from the release of one to the next one's having it, and how evenly they get
// their turns. The libraries take turns of a second, three each.
func BenchmarkRedisHandOver(b *testing.B) { handOver(b, "redis", servers.Redis(b).URL) }

// BenchmarkPostgresHandOver is the same, beside processes that each have a
// backend of their own wait in pg_advisory_lock.
func BenchmarkPostgresHandOver(b *testing.B) { handOver(b, "postgres", servers.Postgres(b).URL) }

func handOver(b *testing.B, store, url string) {
	for _, processes := range []int{2, 16, 50} {
		b.Run(fmt.Sprint("processes=", processes), func(b *testing.B) {
			for b.Loop() {
				took, uneven := map[string][]float64{}, map[string]float64{}
				for round := range 3 {
					for name := range takers[store] {
						c := gather(b, store, name, url, fmt.Sprint(name, processes, round), processes)
						all := c.during(pass(time.Second))
						took[name] = append(took[name], handOvers(all)...)
						uneven[name] = max(uneven[name], unevenness(all))
					}
				}
				for name, d := range took {
					slices.Sort(d)
					b.ReportMetric(percentile(d, 0.5), "p50-µs/"+name)
					b.ReportMetric(percentile(d, 0.99), "p99-µs/"+name)
					b.ReportMetric(uneven[name], "most-to-least/"+name)
				}
			}
			b.ReportMetric(0, "ns/op") // a round's length says nothing
		})
	}
}
