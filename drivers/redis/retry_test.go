package redis

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/concurrent-go/concurrent/driver"
)

// A refusing server says three times that it can't serve, and then that the key is held.
type refusing struct{ names []string }

func (r *refusing) DialHook(next redis.DialHook) redis.DialHook { return next }

func (r *refusing) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return next
}

func (r *refusing) ProcessHook(redis.ProcessHook) redis.ProcessHook {
	return func(_ context.Context, cmd redis.Cmder) error {
		args := cmd.Args()
		r.names = append(r.names, *args[len(args)-1].(*string))
		if len(r.names) <= 3 {
			cmd.SetErr(said("NOREPLICAS Not enough good replicas to write."))
			return cmd.Err()
		}
		cmd.(interface{ SetVal(any) }).SetVal([]any{int64(0), int64(5), int64(0), int64(7), int64(55), int64(0), ""})
		return nil
	}
}

// Every 256th number ends in the byte that marks a newcomer: a name that loses it when the
// request is made again breaks the queue.
func TestRetryKeepsTheWaitersName(t *testing.T) {
	const name = "channel56789\x00\x00\x00+"
	client := redis.NewClient(&redis.Options{Addr: "127.0.0.1:1"})
	defer func() { _ = client.Close() }()
	server := new(refusing)
	client.AddHook(server)
	s := newStore()
	defer s.endLife()
	if err := s.use(client); err != nil {
		t.Fatal(err)
	}
	s.batch.Start(client, false)
	for _, want := range []string{name + newcomer, name, name + "55"} {
		server.names = nil
		a := s.ask(t.Context(), &driver.Request{Key: "k", Owner: "o", Lease: time.Minute}, want)
		if !errors.Is(a.err, driver.ErrHeld) || len(server.names) != 4 {
			t.Fatalf("asked: %v", a.err)
		}
		for i, got := range server.names {
			if got != want {
				t.Errorf("try %d is for the waiter %q, want %q", i, got, want)
			}
		}
	}
	s.batch.Close()
	s.batch.Wait()
}
