package redis

import (
	"fmt"
	"testing"
	"time"

	"github.com/concurrent-go/concurrent/driver"
	"github.com/concurrent-go/concurrent/integration/requests"
)

// Where the server is far away, a round trip for each lock would take a list of
// thousands many seconds.
func TestAListAsksForManyLocksAtOnce(t *testing.T) {
	const many, away = 500, 5 * time.Millisecond
	srv := start(t)
	link := srv.Link(t)
	s := open(t, link.URL)
	for i := range many {
		requests.Take(t, s, requests.Ask(fmt.Sprint("k", i), time.Minute))
	}
	link.Latency(away)
	began, n := time.Now(), 0
	for info, err := range s.(driver.Inspector).List(t.Context(), "k") {
		check(t, err)
		if len(info.Holders) != 1 {
			t.Errorf("listed is %+v", info)
		}
		n++
	}
	if took := time.Since(began); n != many || took > many*away {
		t.Errorf("%d of %d locks were listed in %v, with a round trip of %v", n, many, took, 2*away)
	}
}

// Who lists no further than the first has nothing left under way that matters.
func TestAListThatIsLeftEarly(t *testing.T) {
	srv := start(t)
	s := open(t, srv.url())
	for i := range 300 {
		requests.Take(t, s, requests.Ask(fmt.Sprint("k", i), time.Minute))
	}
	for range 3 {
		for _, err := range s.(driver.Inspector).List(t.Context(), "k") {
			check(t, err)
			break
		}
	}
	warm(t, s)
}
