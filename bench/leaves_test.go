package bench

import (
	"fmt"
	"testing"
	"time"

	"github.com/concurrent-go/concurrent/integration/servers"
)

// TestManyKeysLeaveNothing takes and gives back very many different keys. A while
// later the server has as many as before.
func TestManyKeysLeaveNothing(t *testing.T) {
	n, patience := 1_000_000, time.Minute
	if manners[*how].brief {
		n = 10_000
	}
	// A server looks for what has expired in 16 databases at a time, so with the
	// shared one's 10,000 it would take longer.
	server := servers.NewRedis(t, "redis", servers.Args("--databases", "16"))
	c, err := openOurs(server.URL, usual)
	if err != nil {
		t.Fatal(err)
	}
	defer c.close()
	admin, err := goRedis(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = admin.Close() }()
	keys := func() int64 {
		size, err := admin.DBSize(t.Context()).Result()
		if err != nil {
			t.Fatal(err)
		}
		return size
	}
	before := keys()
	each(&entry{t: t}, n, func(i int) error {
		release, err := c.try(t.Context(), fmt.Sprint("leaves-", i))
		if err != nil {
			return err
		}
		return release()
	})
	for end := time.Now().Add(patience); keys() > before; {
		if time.Now().After(end) {
			t.Fatalf("after %v the server has %d keys, and had %d", patience, keys(), before)
		}
		<-time.After(100 * time.Millisecond)
	}
}
