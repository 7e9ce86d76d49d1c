package chaos

import (
	"context"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"

	_ "github.com/concurrent-go/concurrent/drivers/redis"
	"github.com/concurrent-go/concurrent/integration/servers"
)

var (
	// redis forgets everything when it is started again.
	redis = Harness{Name: "redis", Start: func(t testing.TB, _ uint64) *Place {
		return startRedis(t, true)
	}}
	// durable has written down what it granted before it says so.
	durable = Harness{Name: "redis with appendfsync always", Start: func(t testing.TB, _ uint64) *Place {
		return startRedis(t, false, servers.Args("--appendonly", "yes", "--appendfsync", "always"))
	}}
)

// startRedis has every second process reach the server by a bad network.
func startRedis(t testing.TB, forgets bool, options ...servers.Option) *Place {
	server := servers.NewRedis(t, "redis", options...)
	link := server.Link(t)
	parsed, err := goredis.ParseURL(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	admin := goredis.NewClient(parsed)
	t.Cleanup(func() { _ = admin.Close() })
	do := func(args ...any) func() error {
		return func() error {
			ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
			defer cancel()
			return admin.Do(ctx, args...).Err()
		}
	}
	return &Place{
		URL: func(n int) string {
			if n%2 == 0 {
				return link.URL
			}
			return server.URL
		},
		Version: server.Kind,
		Faults: append(network(link),
			paused(server),
			Fault{Name: "server killed", On: "server", Breaks: forgets, Begin: server.Kill, End: server.Restart},
			Fault{Name: "server restarted", On: "server", Breaks: forgets, Begin: server.Restart},
			Fault{
				Name: "eviction", On: "server", Breaks: true, // of all there is
				Begin: do("config", "set", "maxmemory-policy", "allkeys-lru", "maxmemory", "100kb"),
				End:   do("config", "set", "maxmemory-policy", "noeviction", "maxmemory", "0"),
			},
			Fault{Name: "FLUSHALL", On: "server", Breaks: true, Begin: do("flushall")},
			Fault{Name: "SCRIPT FLUSH", On: "server", Begin: do("script", "flush")},
			Fault{Name: "CLIENT KILL", On: "server", Begin: do("client", "kill", "type", "normal")},
			Fault{Name: "CLIENT KILL of subscribers", On: "server", Begin: do("client", "kill", "type", "pubsub")},
		),
	}
}
