package redis

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/concurrent-go/concurrent/driver"
	"github.com/concurrent-go/concurrent/drivertest"
	"github.com/concurrent-go/concurrent/integration/requests"
)

// A watched is a master and a replica that three Sentinels watch.
type watched struct {
	t         *testing.T
	one, two  *server
	sentinels []*server
}

// A master that is silent for longer than patience is replaced.
func startWatched(t *testing.T, patience time.Duration) *watched {
	t.Helper()
	w := &watched{t: t, one: start(t)}
	w.two = start(t, "--replicaof", "127.0.0.1 "+w.one.port, "--repl-diskless-sync-delay", "0")
	for range 3 {
		s := startSentinel(t,
			"sentinel monitor main 127.0.0.1 "+w.one.port+" 2",
			fmt.Sprint("sentinel down-after-milliseconds main ", patience.Milliseconds()),
			"sentinel failover-timeout main 5000",
		)
		w.sentinels = append(w.sentinels, s)
	}
	for _, s := range w.sentinels {
		requests.Soon(t, "the Sentinels know each other and the replica", func() bool {
			text := fmt.Sprint(s.admin().Do(t.Context(), "sentinel", "master", "main").Val())
			return strings.Contains(text, "num-slaves:1") && strings.Contains(text, "num-other-sentinels:2")
		})
	}
	requests.Soon(t, "the replica is in step", func() bool {
		return strings.Contains(w.two.admin().Info(t.Context(), "replication").Val(), "master_link_status:up")
	})
	return w
}

func (w *watched) url(database int32) string {
	return fmt.Sprintf("redis://%s/%d?master_name=main&addr=%s&addr=%s",
		w.sentinels[0].addr(), database, w.sentinels[1].addr(), w.sentinels[2].addr())
}

func TestConformanceBehindSentinel(t *testing.T) {
	t.Parallel()
	w := startWatched(t, time.Minute) // a busy one is not
	var database atomic.Int32
	drivertest.Run(t, drivertest.Harness{
		Cycles: 1000,
		Backend: func(*testing.T) func(context.Context) (driver.Store, error) {
			raw := w.url(database.Add(1))
			return func(ctx context.Context) (driver.Store, error) { return openURL(ctx, raw) }
		},
	})
}

// Row 21: the master dies with writes that the replica does not have. Exclusion
// may be lost then; tokens must grow all the same, and waits go on.
func TestTokensGrowThroughAFailover(t *testing.T) {
	w := startWatched(t, time.Second)
	s := open(t, w.url(0)+"&read_timeout=1s&dial_timeout=1s")
	kept := requests.Ask("kept", time.Minute)
	first := requests.Take(t, s, kept)
	requests.Soon(t, "the replica has the lock", func() bool { return len(w.two.admin().Keys(t.Context(), "*}:kept").Val()) == 1 })
	// What the replica never hears of: it is cut off while the master grants.
	w.two.pause()
	check(t, w.one.admin().ClientKillByFilter(t.Context(), "TYPE", "replica").Err())
	missed := requests.Ask("missed", time.Minute)
	lost := requests.Take(t, s, missed)
	w.one.kill()
	w.two.resume()
	var again driver.Grant
	other := requests.Ask("missed", time.Minute)
	requests.Soon(t, "the new master serves", func() bool {
		g, err := s.TryAcquire(t.Context(), other)
		again = g
		return err == nil
	})
	if again.Token <= lost.Token+uint64(lost.Spare) {
		t.Errorf("after the failover the token is %d, and the forgotten grant's was %d", again.Token, lost.Token)
	}
	if _, err := s.Extend(t.Context(), missed); !errors.Is(err, driver.ErrNotHeld) {
		t.Errorf("the forgotten holder's renewal: %v, want ErrNotHeld", err)
	}
	if _, err := s.Extend(t.Context(), kept); err != nil {
		t.Errorf("the lock that the replica had was lost: %v", err)
	}
	waits := requests.Wait(t, s, requests.Ask("kept", time.Minute))
	queued(t, s, "kept", 1)
	began := time.Now()
	requests.GiveBack(t, s, kept)
	waits.Granted(t, 5*time.Second)
	if took := waits.At.Sub(began); took > 1500*time.Millisecond {
		t.Errorf("after the failover a waiter is woken after %v", took)
	}
	if waits.Grant.Token <= first.Token+uint64(first.Spare) {
		t.Errorf("token %d after %d", waits.Grant.Token, first.Token)
	}
}

// The subscription's connection to a frozen master says nothing, and one to a master that
// was made a replica goes on. Neither is waited for.
func TestAFailoverBySentinelsIsListenedToAtOnce(t *testing.T) {
	for name, replace := range map[string]func(*watched){
		"frozen": func(w *watched) { w.one.pause() },
		"killed": func(w *watched) { w.one.kill() },
		"in order": func(w *watched) {
			check(w.t, w.sentinels[0].admin().Do(w.t.Context(), "sentinel", "failover", "main").Err())
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := startWatched(t, time.Second)
			s := open(t, w.url(0)+"&read_timeout=1s&dial_timeout=1s")
			admin := w.two.admin()
			held := requests.Ask("held", time.Hour)
			requests.Take(t, s, held)
			waits := make([]*requests.Waiting, 4)
			for i := range waits {
				waits[i] = requests.Wait(t, s, requests.Ask("held", time.Minute))
			}
			queued(t, s, "held", len(waits))
			replace(w)
			for _, sentinel := range w.sentinels {
				requests.Soon(t, "the Sentinels know the new master", func() bool {
					text := fmt.Sprint(sentinel.admin().Do(t.Context(), "sentinel", "get-master-addr-by-name", "main").Val())
					return strings.Contains(text, w.two.port)
				})
			}
			requests.Soon(t, "it serves", func() bool { _, err := s.Extend(t.Context(), held); return err == nil })
			began := time.Now()
			requests.Soon(t, "the store listens there", func() bool {
				return len(admin.PubSubChannels(t.Context(), "lk:in:*").Val()) == 1
			})
			if took := time.Since(began); took > 700*time.Millisecond {
				t.Errorf("it is listened to %v after it served", took)
			}
			if name == "frozen" {
				w.one.resume()
			}
		})
	}
}
