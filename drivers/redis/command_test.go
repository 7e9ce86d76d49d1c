package redis

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/concurrent-go/concurrent/drivers/redis/internal/script"
)

// said is what a server answers with an error.
type said string

func (s said) Error() string { return string(s) }

// RedisError makes it one of go-redis's.
func (s said) RedisError() {}

// shared returns a command for n calls, and the place of its reply.
func shared(n int) (command, *redis.IntSliceCmd) {
	calls := make([]*call, n)
	for i := range calls {
		calls[i] = newCall(script.Release, "k", []any{"1", 0}, "owner")
	}
	c := newCommand(context.Background(), calls)
	return c, c.Cmder.(onceForAll).IntSliceCmd
}

func TestEachCallHasItsPartOfAReply(t *testing.T) {
	c, cmd := shared(3)
	cmd.SetVal([]int64{1, 10, 0, 0, 20, 5, 2, 0, 0})
	if anew := c.deliver(); anew != nil {
		t.Errorf("%d calls are made anew", len(anew))
	}
	for i, first := range []int64{1, 0, 2} {
		if n := c.calls[i].numbers; !c.calls[i].over() || len(n) != 3 || n[0] != first {
			t.Errorf("call %d has %v", i, n)
		}
	}
}

func TestTheReplyToACallThatWasMadeAloneIsANumberOrATable(t *testing.T) {
	for _, x := range []struct {
		answer  any
		numbers []int64
		table   int
	}{
		{int64(1 << 50), []int64{1 << 50}, 0},
		{[]any{int64(0), int64(-1), int64(3)}, []int64{0, -1, 3}, 3},
		{[]any{int64(2), []any{"owner"}}, []int64{2}, 2},
		{"not ours", nil, 0},
	} {
		c := newCommand(t.Context(), []*call{newCall(script.Acquire, "k", nil, "owner")})
		c.Cmder.(once).SetVal(x.answer)
		if anew := c.deliver(); anew != nil || !c.calls[0].over() {
			t.Fatalf("%v: the call is not over", x.answer)
		}
		if one := c.calls[0]; !slices.Equal(one.numbers, x.numbers) || len(one.table) != x.table || one.err != nil {
			t.Errorf("%v: %v, %v, %v", x.answer, one.numbers, one.table, one.err)
		}
	}
}

func TestWhatIsMadeAnewAfterWhichReply(t *testing.T) {
	for _, x := range []struct {
		what         string
		numbers      []int64
		err          error
		anew         int
		alone, again bool // those that are made anew
	}{
		{"one failed", []int64{1, failed, 1}, nil, 1, true, true},
		{"an array that is too short for all", []int64{1, 1}, nil, 3, true, true},
		{"the server refused", nil, said("NOPERM no"), 3, true, false},
		{"the server does not know the script", nil, said("NOSCRIPT No matching script."), 3, false, false},
		{"no reply", nil, io.ErrUnexpectedEOF, 0, false, false},
	} {
		c, cmd := shared(3)
		cmd.SetVal(x.numbers)
		cmd.SetErr(x.err)
		anew := c.deliver()
		if len(anew) != x.anew {
			t.Errorf("%s: %d calls are made anew, want %d", x.what, len(anew), x.anew)
		}
		over := 0
		for _, call := range c.calls {
			if !call.over() {
				continue
			}
			if over++; !errors.Is(call.err, x.err) {
				t.Errorf("%s: a call has the error %v", x.what, call.err)
			}
		}
		if over != 3-len(anew) {
			t.Errorf("%s: %d calls are over and %d made anew", x.what, over, len(anew))
		}
		for _, call := range anew {
			if call.alone != x.alone || call.again != x.again {
				t.Errorf("%s: alone %v, again %v", x.what, call.alone, call.again)
			}
		}
	}
}

// A server that forgot the scripts is sent the text once, not once for each call.
func TestATextThatTheServerDoesNotKnowGoesOnce(t *testing.T) {
	c, cmd := shared(3)
	cmd.SetErr(said("NOSCRIPT No matching script."))
	var b batcher
	b.share.Store(true)
	commands := b.commands(context.Background(), c.deliver())
	if len(commands) != 2 || !commands[0].calls[0].text || len(commands[1].calls) != 2 {
		t.Fatalf("%d commands", len(commands))
	}
	if name := commands[0].Args()[0]; name != "eval" {
		t.Errorf("the first is %v", name)
	}
	if name := commands[1].Args()[0]; name != "evalsha" {
		t.Errorf("the second is %v", name)
	}
}

func TestServersBehindAProxyAreSentNoSharedCalls(t *testing.T) {
	var b batcher
	b.share.Store(true)
	c, cmd := shared(3)
	for _, x := range []struct {
		err  error
		want int
	}{{nil, 1}, {said("NOPERM no"), 1}, {said("CROSSSLOT Keys in request don't hash to the same slot"), 3}} {
		cmd.SetErr(x.err)
		b.learn(c.Err())
		if n := len(b.commands(context.Background(), c.calls)); n != x.want {
			t.Errorf("after %v three calls are %d commands, want %d", x.err, n, x.want)
		}
	}
}

// plain are arguments as the server sees them.
func plain(args []any) []any {
	for i, arg := range args {
		if p, ok := arg.(*string); ok {
			args[i] = *p
		}
	}
	return args
}

// What calls have in common is sent once: only those that have all of it in common
// go together.
func TestCallsThatAreAskedForInAnotherWayGoApart(t *testing.T) {
	var b batcher
	b.share.Store(true)
	minute, hour := []any{"1", 0, 60_000_000}, []any{"1", 0, 3_600_000_000}
	calls := []*call{
		newCall(script.Acquire, "a", minute, "o1"),
		newCall(script.Acquire, "b", hour, "o2"),
		newCall(script.Acquire, "c", slices.Clone(minute), "o3"),
		newCall(script.Acquire, "d", minute, "o4", "waiter"),
		newCall(script.Release, "e", minute, "o5"),
	}
	var got []string
	for _, c := range b.commands(t.Context(), calls) {
		got = append(got, fmt.Sprint(plain(c.Args()[2:])))
	}
	want := []string{
		"[2 a c 1 0 60000000 o1 o3]", "[1 b 1 0 3600000000 o2]",
		"[1 d 1 0 60000000 o4 waiter]", "[1 e 1 0 60000000 o5]",
	}
	if !slices.Equal(got, want) {
		t.Errorf("sent %q, want %q", got, want)
	}
}
