package chaos

import (
	"context"
	"fmt"
	"maps"
	"os"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"
	goredis "github.com/redis/go-redis/v9"
)

// A usage is what a process and its servers use when nobody holds a lock.
type usage struct {
	heap       uint64 // bytes
	goroutines int
	fds        int
	servers    map[string]int // connections, keys, and the like
}

func (u usage) String() string {
	return fmt.Sprintf("%.1f MB of heap, %d goroutines, %d file descriptors, %v", float64(u.heap)/1e6, u.goroutines, u.fds, u.servers)
}

// beyond tells what is more than it was at first. A pool may have grown by some
// connections; what grows with the locks that were had is far more by now.
func (u usage) beyond(first usage) []string {
	var found []string
	check := func(what string, now, then, slack int) {
		if now > then+slack {
			found = append(found, fmt.Sprintf("%s: %d, at first %d", what, now, then))
		}
	}
	check("bytes of heap", int(u.heap), int(first.heap), int(first.heap)/4+2<<20)
	check("goroutines", u.goroutines, first.goroutines, 20)
	check("file descriptors", u.fds, first.fds, 20)
	for _, what := range slices.Sorted(maps.Keys(u.servers)) {
		check(what, u.servers[what], first.servers[what], 20)
	}
	return found
}

func (s *soak) measure() usage {
	s.t.Helper()
	u := usage{servers: map[string]int{}}
	for _, store := range s.stores {
		counts, err := store.count()
		if err != nil {
			s.t.Fatal(err)
		}
		for what, n := range counts {
			u.servers[store.name+" "+what] = n
		}
	}
	fds, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		s.t.Fatal(err)
	}
	u.fds, u.goroutines = len(fds), runtime.NumGoroutine()
	var m runtime.MemStats
	runtime.GC()
	runtime.GC() // what finalizers had kept
	runtime.ReadMemStats(&m)
	u.heap = m.HeapAlloc
	return u
}

var connected = regexp.MustCompile(`connected_clients:(\d+)`)

func countRedis(url string) (map[string]int, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	o, err := goredis.ParseURL(url)
	if err != nil {
		return nil, err
	}
	c := goredis.NewClient(o)
	defer func() { _ = c.Close() }()
	keys, err := c.DBSize(ctx).Result()
	if err != nil {
		return nil, err
	}
	text, err := c.Info(ctx, "clients").Result()
	if err != nil {
		return nil, err
	}
	clients, err := strconv.Atoi(connected.FindStringSubmatch(text)[1])
	return map[string]int{"keys": int(keys), "connections": clients}, err
}

func countPostgres(url string) (map[string]int, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return nil, err
	}
	defer func() { _ = conn.Close(ctx) }()
	counts := map[string]int{}
	for what, query := range map[string]string{
		"connections": "select count(*) from pg_stat_activity where backend_type = 'client backend'",
		"locks":       "select count(*) from pg_locks where locktype = 'advisory'",
		"rows": `select coalesce(sum((xpath('/row/c/text()',
			query_to_xml(format('select count(*) c from %I.%I', schemaname, tablename), false, true, '')))[1]::text::int), 0)
			from pg_tables where schemaname = 'concurrent'`,
	} {
		var n int
		if err := conn.QueryRow(ctx, query).Scan(&n); err != nil {
			return nil, err
		}
		counts[what] = n
	}
	return counts, nil
}
