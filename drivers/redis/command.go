package redis

import (
	"context"
	"time"

	"github.com/redis/go-redis/v9"
)

// A command is one run of a script on the server, for one call or for several
// that share it. Half of what a script costs the server, and more of what it
// costs its client, is not the script: calls of the same one share that.
type command struct {
	redis.Cmder
	calls []*call
}

// commands returns what carries out the calls. Those that may share share.
func (b *batcher) commands(ctx context.Context, calls []*call) (all []command) {
	if len(calls) == 1 {
		return []command{newCommand(ctx, calls)}
	}
	var shared map[*script][]*call
	for _, c := range calls {
		if !b.share.Load() || !c.script.shared || c.alone || c.text {
			all = append(all, newCommand(ctx, []*call{c}))
			continue
		}
		if shared == nil {
			shared = make(map[*script][]*call, 3)
		}
		shared[c.script] = append(shared[c.script], c)
	}
	for _, calls := range shared {
		all = append(all, newCommand(ctx, calls))
	}
	return all
}

// learn has calls share no more where the server turns out to be several, behind a
// proxy that looks like one.
func (b *batcher) learn(err error) {
	if err != nil && redis.HasErrorPrefix(err, "CROSSSLOT") {
		b.share.Store(false)
	}
}

// newCommand returns what runs the script of the calls, by its name or with its
// text: the keys of all stand before the arguments of all.
func newCommand(ctx context.Context, calls []*call) command {
	first, now := calls[0], time.Now()
	args := first.args
	if len(calls) > 1 {
		args = make([]any, before, before+len(calls)*(len(first.args)-before))
		for _, c := range calls {
			args = append(args, c.args[before])
		}
		for _, c := range calls {
			args = append(args, c.args[before+1:]...)
		}
	}
	for _, c := range calls {
		c.sent = now
	}
	args[0], args[1], args[2] = "evalsha", first.script.sha, len(calls)
	if first.text {
		args[0], args[1] = "eval", first.script.text
	}
	if first.script.table {
		return command{onceTable{redis.NewSliceCmd(ctx, args...)}, calls}
	}
	return command{once{redis.NewIntSliceCmd(ctx, args...)}, calls}
}

// once is a command that go-redis does not repeat: whoever asked must know that
// the first one may have been carried out.
type once struct{ *redis.IntSliceCmd }

// NoRetry says so to go-redis.
func (once) NoRetry() bool { return true }

type onceTable struct{ *redis.SliceCmd }

// NoRetry says so to go-redis.
func (onceTable) NoRetry() bool { return true }

// failed is what a script answers for a call that failed beside others.
const failed = -1

// deliver gives each call its part of the reply, and returns those that must be
// made anew.
func (c command) deliver() (anew []*call) {
	err := c.Err()
	if unknownScript(err) && !c.calls[0].text {
		c.calls[0].text = true // and those after it find the server to know it
		return c.calls
	}
	var numbers []int64
	switch cmd := c.Cmder.(type) {
	case once:
		numbers = cmd.Val()
	case onceTable:
		c.calls[0].table = cmd.Val()
	}
	width := len(numbers) / len(c.calls)
	for i, call := range c.calls {
		part := numbers[i*width : (i+1)*width]
		if len(c.calls) > 1 && (isReply(err) || err == nil && (width == 0 || part[0] == failed)) {
			call.alone, call.again = true, err == nil
			anew = append(anew, call)
			continue
		}
		call.numbers, call.err = part, err
		close(call.done)
	}
	return anew
}
