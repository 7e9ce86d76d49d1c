package batch

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

// shared returns a run for n calls, and the place of its reply.
func shared(n int) (scriptRun, *redis.SliceCmd) {
	calls := make([]*Call, n)
	for i := range calls {
		calls[i] = NewCall(script.Release, "k", []any{"1", 0}, "owner")
	}
	c := newRun(context.Background(), calls)
	return c, c.Cmder.(onceForAll).SliceCmd
}

func TestEachCallHasItsPartOfAReply(t *testing.T) {
	c, cmd := shared(3)
	cmd.SetVal([]any{int64(1), []any{int64(0), int64(20), "who"}, int64(2)})
	if anew := c.deliver(); anew != nil {
		t.Errorf("%d calls are made anew", len(anew))
	}
	for i, want := range [][]int64{{1}, {0, 20}, {2}} {
		if n := c.calls[i].Numbers; !c.calls[i].Over() || !slices.Equal(n, want) {
			t.Errorf("call %d has %v, want %v", i, n, want)
		}
	}
	if table := c.calls[1].Table; len(table) != 3 || table[2] != "who" {
		t.Errorf("the second call has the table %v", table)
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
		c := newRun(t.Context(), []*Call{NewCall(script.Acquire, "k", nil, "owner")})
		c.Cmder.(once).SetVal(x.answer)
		if anew := c.deliver(); anew != nil || !c.calls[0].Over() {
			t.Fatalf("%v: the call is not over", x.answer)
		}
		if one := c.calls[0]; !slices.Equal(one.Numbers, x.numbers) || len(one.Table) != x.table || one.Err != nil {
			t.Errorf("%v: %v, %v, %v", x.answer, one.Numbers, one.Table, one.Err)
		}
	}
}

func TestWhatIsMadeAnewAfterWhichReply(t *testing.T) {
	for _, x := range []struct {
		what         string
		parts        []any
		err          error
		anew         int
		alone, again bool // those that are made anew
	}{
		{"one failed", []any{int64(1), int64(failed), int64(1)}, nil, 1, true, true},
		{"an array that is too short for all", []any{int64(1), int64(1)}, nil, 3, true, true},
		{"the server refused", nil, said("NOPERM no"), 3, true, false},
		{"the server does not know the script", nil, said("NOSCRIPT No matching script."), 3, false, false},
		{"no reply", nil, io.ErrUnexpectedEOF, 0, false, false},
	} {
		c, cmd := shared(3)
		cmd.SetVal(x.parts)
		cmd.SetErr(x.err)
		anew := c.deliver()
		if len(anew) != x.anew {
			t.Errorf("%s: %d calls are made anew, want %d", x.what, len(anew), x.anew)
		}
		over := 0
		for _, call := range c.calls {
			if !call.Over() {
				continue
			}
			if over++; !errors.Is(call.Err, x.err) {
				t.Errorf("%s: a call has the error %v", x.what, call.Err)
			}
		}
		if over != 3-len(anew) {
			t.Errorf("%s: %d calls are over and %d made anew", x.what, over, len(anew))
		}
		for _, call := range anew {
			if call.alone != x.alone || call.Again != x.again {
				t.Errorf("%s: alone %v, again %v", x.what, call.alone, call.Again)
			}
		}
	}
}

// A server that forgot the scripts is sent the text once, not once for each call.
func TestATextThatTheServerDoesNotKnowGoesOnce(t *testing.T) {
	c, cmd := shared(3)
	cmd.SetErr(said("NOSCRIPT No matching script."))
	var b Batcher
	b.share.Store(true)
	runs := b.runs(context.Background(), c.deliver())
	if len(runs) != 2 || !runs[0].calls[0].text || len(runs[1].calls) != 2 {
		t.Fatalf("%d runs", len(runs))
	}
	if name := runs[0].Args()[0]; name != "eval" {
		t.Errorf("the first is %v", name)
	}
	if name := runs[1].Args()[0]; name != "evalsha" {
		t.Errorf("the second is %v", name)
	}
}

func TestServersBehindAProxyAreSentNoSharedCalls(t *testing.T) {
	var b Batcher
	b.share.Store(true)
	c, cmd := shared(3)
	for _, x := range []struct {
		err  error
		want int
	}{{nil, 1}, {said("NOPERM no"), 1}, {said("CROSSSLOT Keys in request don't hash to the same slot"), 3}} {
		cmd.SetErr(x.err)
		b.learn(c.Err())
		if n := len(b.runs(context.Background(), c.calls)); n != x.want {
			t.Errorf("after %v three calls are %d runs, want %d", x.err, n, x.want)
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
	var b Batcher
	b.share.Store(true)
	minute, hour := []any{"1", 0, 60_000_000}, []any{"1", 0, 3_600_000_000}
	calls := []*Call{
		NewCall(script.Acquire, "a", minute, "o1"),
		NewCall(script.Acquire, "b", hour, "o2"),
		NewCall(script.Acquire, "c", slices.Clone(minute), "o3"),
		NewCall(script.Acquire, "d", minute, "o4", "waiter"),
		NewCall(script.Release, "e", minute, "o5"),
	}
	var got []string
	for _, c := range b.runs(t.Context(), calls) {
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
