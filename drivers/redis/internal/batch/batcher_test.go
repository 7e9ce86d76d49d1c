package batch

import (
	"context"
	"errors"
	"net"
	"slices"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/concurrent-go/concurrent/drivers/redis/internal/script"
)

// A fakeServer takes round trips in the place of a server, and answers every run with
// ones. Where hold is not nil, each takes one value from it before it is answered.
type fakeServer struct {
	hold chan struct{}
	met  func(ctx context.Context) // called with the context of each round trip

	mu    sync.Mutex
	trips []int // how many keys each had, in the order in which they left
}

func (f *fakeServer) trip(ctx context.Context, cmds []redis.Cmder) error {
	f.mu.Lock()
	keys := 0
	for _, cmd := range cmds {
		keys += cmd.Args()[2].(int)
	}
	f.trips = append(f.trips, keys)
	f.mu.Unlock()
	if f.met != nil {
		f.met(ctx)
	}
	if f.hold != nil {
		<-f.hold
	}
	for _, cmd := range cmds {
		switch cmd := cmd.(type) {
		case once:
			cmd.SetVal(int64(1))
		case onceForAll:
			cmd.SetVal(slices.Repeat([]any{int64(0)}, cmd.Args()[2].(int)))
		}
	}
	return nil
}

func (f *fakeServer) left() (trips, last int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.trips) > 0 {
		last = f.trips[len(f.trips)-1]
	}
	return len(f.trips), last
}

func (f *fakeServer) DialHook(redis.DialHook) redis.DialHook {
	return func(context.Context, string, string) (net.Conn, error) { return nil, errors.New("nobody dials") }
}

func (f *fakeServer) ProcessHook(redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error { return f.trip(ctx, []redis.Cmder{cmd}) }
}

func (f *fakeServer) ProcessPipelineHook(redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return f.trip
}

// serve returns a batcher before a fake server.
func serve(t *testing.T, f *fakeServer, wired bool) *Batcher {
	t.Helper()
	client := redis.NewClient(&redis.Options{Addr: "127.0.0.1:1", ReadTimeout: 3 * time.Second})
	client.AddHook(f)
	b := new(Batcher)
	b.Start(client, wired)
	t.Cleanup(func() {
		b.Close()
		b.Wait()
		_ = client.Close()
	})
	return b
}

func newReleases(n int) []*Call {
	calls := make([]*Call, n)
	for i := range calls {
		calls[i] = NewCall(script.Release, "k"+strconv.Itoa(i), []any{"1", 0}, "owner")
	}
	return calls
}

// occupy has every worker wait for an answer.
func occupy(b *Batcher) {
	for range workers {
		b.Submit(newReleases(1)...)
		synctest.Wait()
	}
}

func TestLoneCallIsSentByItsCaller(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := new(fakeServer)
		b := serve(t, f, true)
		f.met = func(ctx context.Context) {
			due, ok := ctx.Deadline()
			if !ok || time.Until(due) != inlineWithin {
				t.Errorf("the connection is to give up at %v", due)
			}
			if _, until, found := b.patience(due); !found || time.Until(until) != 3*time.Second {
				t.Errorf("its answer is waited for until %v: %v", until, found)
			}
			if _, _, found := b.patience(due.Add(1)); found {
				t.Error("a deadline that is no call's has a call")
			}
		}
		c := newReleases(1)[0]
		if left, err := b.Do(t.Context(), c); !left || err != nil || !c.Over() || c.Numbers[0] != 1 {
			t.Errorf("left %v, %v, replied %v", left, err, c.Numbers)
		}
		if len(b.active) != 0 {
			t.Errorf("%d workers are left", len(b.active))
		}
	})
}

func TestCallsThatComeMeanwhileFormOneBatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fakeServer{hold: make(chan struct{})}
		b := serve(t, f, false)
		occupy(b)
		for _, c := range newReleases(10) {
			b.Submit(c)
		}
		synctest.Wait()
		if trips, _ := f.left(); trips != workers {
			t.Fatalf("%d requests are under way, want %d", trips, workers)
		}
		f.hold <- struct{}{}
		synctest.Wait()
		if trips, keys := f.left(); trips != workers+1 || keys != 10 {
			t.Errorf("%d requests left, the last with %d keys, want all 10", trips, keys)
		}
		close(f.hold)
	})
}

func TestBatchIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fakeServer{hold: make(chan struct{})}
		b := serve(t, f, false)
		occupy(b)
		calls := newReleases(batchMost + 1)
		b.Submit(calls...)
		f.hold <- struct{}{}
		synctest.Wait()
		if _, keys := f.left(); keys != batchMost {
			t.Errorf("%d calls went together, want %d", keys, batchMost)
		}
		close(f.hold)
		for _, c := range calls {
			if err := b.Await(t.Context(), c); err != nil {
				t.Fatal(err)
			}
		}
	})
}

// A server that answers nothing holds up no call but its own, up to a bound.
func TestOverdueBatchMakesRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fakeServer{hold: make(chan struct{})}
		b := serve(t, f, false)
		occupy(b)
		for range 2 * mostWorkers {
			b.Submit(newReleases(1)...)
			time.Sleep(overdue + 2*overdueEach)
			synctest.Wait()
		}
		if trips, _ := f.left(); trips != mostWorkers {
			t.Errorf("%d requests are under way, want %d", trips, mostWorkers)
		}
		close(f.hold)
	})
}

func TestCallWhoseCallerLeftIsNotSent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fakeServer{hold: make(chan struct{})}
		b := serve(t, f, false)
		occupy(b)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if left, err := b.Do(ctx, newReleases(1)[0]); left || !errors.Is(err, context.Canceled) {
			t.Errorf("one that is queued: left %v, %v", left, err)
		}
		f.hold <- struct{}{}
		synctest.Wait()
		ctx, cancel = context.WithCancel(t.Context())
		time.AfterFunc(overdue/2, cancel)
		if left, err := b.Do(ctx, newReleases(1)[0]); !left || !errors.Is(err, context.Canceled) {
			t.Errorf("one that is under way: left %v, %v", left, err)
		}
		close(f.hold)
		synctest.Wait()
		if trips, _ := f.left(); trips != workers+1 {
			t.Errorf("%d requests left, want %d", trips, workers+1)
		}
	})
}

func TestCloseEndsWhatHasNotLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fakeServer{hold: make(chan struct{})}
		b := serve(t, f, true)
		occupy(b)
		queued := newReleases(2)
		b.Submit(queued...)
		b.Close()
		for _, c := range append(queued, newReleases(1)...) {
			if !c.Over() {
				_, _ = b.Do(t.Context(), c)
			}
			if !errors.Is(c.Err, redis.ErrClosed) {
				t.Errorf("a call ended with %v, want redis.ErrClosed", c.Err)
			}
		}
		close(f.hold)
		b.Wait()
		if trips, _ := f.left(); trips != workers {
			t.Errorf("%d requests left, want %d", trips, workers)
		}
	})
}

// The caller of an inline call is deaf to its context: not where answers are slow.
func TestSlowAnswerEndsInlineCallsForAWhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := new(fakeServer)
		b := serve(t, f, true)
		inlined := false
		f.met = func(ctx context.Context) { _, inlined = ctx.Deadline() }
		do := func() bool {
			if _, err := b.Do(t.Context(), newReleases(1)[0]); err != nil {
				t.Fatal(err)
			}
			return inlined
		}
		if !do() {
			t.Error("the first call is not made inline")
		}
		f.met = func(ctx context.Context) {
			_, inlined = ctx.Deadline()
			time.Sleep(slowAfter + 1)
		}
		if !do() || do() {
			t.Error("a call is made inline after a slow answer")
		}
		f.met = func(ctx context.Context) { _, inlined = ctx.Deadline() }
		time.Sleep(inlineAgain / 2)
		if do() {
			t.Error("a call is made inline too soon after a slow answer")
		}
		time.Sleep(inlineAgain)
		if !do() {
			t.Error("no call is made inline although the server answers fast")
		}
	})
}

func BenchmarkLoneCall(bb *testing.B) {
	client := redis.NewClient(&redis.Options{Addr: "127.0.0.1:1"})
	defer func() { _ = client.Close() }()
	client.AddHook(new(fakeServer))
	b := new(Batcher)
	b.Start(client, true)
	common := []any{"1", 0}
	bb.ReportAllocs()
	for bb.Loop() {
		_, _ = b.Do(bb.Context(), NewCall(script.Release, "k", common, "owner"))
	}
	b.Close()
}
