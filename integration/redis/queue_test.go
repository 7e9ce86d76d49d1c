package redis

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/concurrent-go/concurrent/integration/servers"
)

// The moment at which the tests of queues run the scripts, and their key.
const (
	queueNow = 1_790_000_000_000_000
	queueKey = "lk:{00}:k"
)

// recordOf is the record of a lock that is held exclusively by owner until ends, with a
// queue.
func recordOf(owner string, ends float64, queue string) string {
	const holder = "channel01234\x01h\x01l7"
	b := []byte{2}
	for _, n := range []float64{queueNow - 1, ends, queueNow - 1_000_000} {
		b = binary.BigEndian.AppendUint64(b, math.Float64bits(n))
	}
	b = binary.BigEndian.AppendUint32(b, 0)
	at := 37 + len(owner) + len(holder)
	if at+len(queue) > 768 {
		at = 768 // a long one has room for the longest holder before it
	}
	b = binary.BigEndian.AppendUint32(b, uint32(at))
	b = append(append(b, byte(len(owner))), owner...)
	b = append(binary.BigEndian.AppendUint16(b, uint16(len(holder))), holder...)
	return string(b) + strings.Repeat(" ", at-1-len(b)) + queue
}

// entryOf is what stands in a queue for a waiter: the n-th of a store.
func entryOf(channel string, n int, alive float64, info string) string {
	b := binary.BigEndian.AppendUint16(nil, uint16(28+len(info)))
	b = binary.BigEndian.AppendUint64(b, math.Float64bits(alive))
	b = binary.BigEndian.AppendUint32(b, 0)
	return string(b) + nameOf(channel, n) + info
}

func nameOf(channel string, n int) string {
	return string(binary.BigEndian.AppendUint32([]byte(channel), uint32(n)))
}

const (
	deadStore, livingStore = "channel56789", "channelabcde"
	deadAt, aliveUntil     = queueNow - 1, queueNow + 2_000_000
)

// crowdOf is a queue of n waiters, those of whom are dead for whom dead says so.
func crowdOf(n int, dead func(i int) bool) string {
	var b strings.Builder
	for i := range n {
		channel, alive := livingStore, float64(aliveUntil)
		if dead(i) {
			channel, alive = deadStore, deadAt
		}
		b.WriteString(entryOf(channel, i, alive, "\x10owner-0123456789\x08hostname\x05label12345"))
	}
	return b.String()
}

func anyOf(int) bool      { return true }
func noneOf(int) bool     { return false }
func everyOdd(i int) bool { return i%2 == 1 }

// A queueServer runs the scripts on one key, each at the moment that now is.
type queueServer struct {
	t       testing.TB
	client  *redis.Client
	now     int64
	scripts map[string]*redis.Script
}

func startQueue(t testing.TB) *queueServer {
	t.Helper()
	srv := servers.NewRedis(t, "redis")
	client := redis.NewClient(&redis.Options{Addr: srv.Addr(), MaxRetries: -1})
	t.Cleanup(func() { _ = client.Close() })
	q := &queueServer{t: t, client: client, now: queueNow, scripts: make(map[string]*redis.Script)}
	for _, name := range []string{"acquire", "release", "extend", "leave", "keep", "break", "inspect"} {
		q.scripts[name] = redis.NewScript(include(t, name+".lua"))
		if err := q.scripts[name].Load(t.Context(), client).Err(); err != nil {
			t.Fatal(err)
		}
	}
	// Somebody listens to the living store, so that its waiters can be woken.
	sub := client.Subscribe(t.Context(), "lk:in:"+livingStore)
	t.Cleanup(func() { _ = sub.Close() })
	if _, err := sub.Receive(t.Context()); err != nil {
		t.Fatal(err)
	}
	return q
}

func (q *queueServer) set(record string) {
	q.t.Helper()
	if err := q.client.Set(q.t.Context(), queueKey, record, time.Hour).Err(); err != nil {
		q.t.Fatal(err)
	}
}

// run runs a script, which must succeed, and returns its reply.
func (q *queueServer) run(name string, args ...any) any {
	q.t.Helper()
	reply, err := q.scripts[name].EvalSha(q.t.Context(), q.client, []string{queueKey}, append(args, q.now)...).Result()
	if err != nil && !errors.Is(err, redis.Nil) {
		q.t.Fatalf("%s: %v", name, err)
	}
	return reply
}

// took returns for how long the server runs the scripts of a function.
func (q *queueServer) took(do func()) time.Duration {
	q.t.Helper()
	before := q.spent()
	do()
	return q.spent() - before
}

// spent is for how long the server has run scripts.
func (q *queueServer) spent() time.Duration {
	q.t.Helper()
	info, err := q.client.Info(q.t.Context(), "commandstats").Result()
	if err != nil {
		q.t.Fatal(err)
	}
	_, after, _ := strings.Cut(info, "cmdstat_evalsha:")
	_, after, _ = strings.Cut(after, "usec=")
	n := int64(0)
	_, _ = fmt.Sscanf(after, "%d", &n)
	return time.Duration(n) * time.Microsecond
}

// acquire returns the reply as a table.
func (q *queueServer) acquire(owner, name string) []any {
	q.t.Helper()
	reply := q.run("acquire", "1", 0, 60_000_000, 61_000, livingStore+"\x01h\x01l7", "1", owner, name)
	if table, ok := reply.([]any); ok {
		return table
	}
	return []any{reply}
}

func (q *queueServer) length() int {
	q.t.Helper()
	n, err := q.client.StrLen(q.t.Context(), queueKey).Result()
	if err != nil {
		q.t.Fatal(err)
	}
	return int(n)
}

// heldTill is when the lease of a recordOf ends.
const heldTill = queueNow + 60_000_000
