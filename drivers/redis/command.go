package redis

import (
	"context"
	"slices"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/concurrent-go/concurrent/drivers/redis/internal/reply"
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
	share := b.share.Load()
	var groups [][]*call
	for n, c := range calls {
		i := -1
		if share {
			i = slices.IndexFunc(groups, func(g []*call) bool { return g[0].goesWith(c) })
		}
		if i < 0 {
			i, groups = len(groups), append(groups, make([]*call, 0, len(calls)-n))
		}
		groups[i] = append(groups[i], c)
	}
	for _, g := range groups {
		all = append(all, newCommand(ctx, g))
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
// text: the keys of all, what they have in common, and then what each has of its own.
func newCommand(ctx context.Context, calls []*call) command {
	first, now := calls[0], time.Now()
	args := make([]any, 0, 3+len(calls)*(1+first.owns)+len(first.common))
	if first.text {
		args = append(args, "eval", first.script.Text, len(calls))
	} else {
		args = append(args, "evalsha", first.script.SHA, len(calls))
	}
	for _, c := range calls {
		c.sent, args = now, append(args, &c.key) // the string would need memory of its own
	}
	args = append(args, first.common...)
	for _, c := range calls {
		for i := range c.owns {
			args = append(args, &c.own[i])
		}
	}
	if len(calls) == 1 {
		return command{once{redis.NewCmd(ctx, args...)}, calls}
	}
	return command{onceForAll{redis.NewIntSliceCmd(ctx, args...)}, calls}
}

// once is a command that go-redis does not repeat: whoever asked must know that
// the first one may have been carried out.
type once struct{ *redis.Cmd }

// NoRetry says so to go-redis.
func (once) NoRetry() bool { return true }

type onceForAll struct{ *redis.IntSliceCmd }

// NoRetry says so to go-redis.
func (onceForAll) NoRetry() bool { return true }

// failed is what a script answers for a call that failed beside others.
const failed = -1

// deliver gives each call its part of the reply, and returns those that must be
// made anew.
func (c command) deliver() (anew []*call) {
	err := c.Err()
	if reply.IsUnknownScript(err) && !c.calls[0].text {
		c.calls[0].text = true // and those after it find the server to know it
		return c.calls
	}
	all, isForAll := c.Cmder.(onceForAll)
	if !isForAll {
		one := c.calls[0]
		one.numbers, one.table = reply.Parse(c.Cmder.(once).Val())
		one.err = err
		close(one.done)
		return nil
	}
	numbers := all.Val()
	width := len(numbers) / len(c.calls)
	for i, call := range c.calls {
		part := numbers[i*width : (i+1)*width]
		if reply.IsAnswer(err) || err == nil && (width == 0 || part[0] == failed) {
			call.alone, call.again = true, err == nil
			anew = append(anew, call)
			continue
		}
		call.numbers, call.err = part, err
		close(call.done)
	}
	return anew
}
