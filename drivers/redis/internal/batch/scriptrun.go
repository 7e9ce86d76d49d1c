package batch

import (
	"context"
	"slices"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/concurrent-go/concurrent/drivers/redis/internal/reply"
	"github.com/concurrent-go/concurrent/drivers/redis/internal/script"
)

// A scriptRun is one run of a script on the server, for one call or for several
// that share it. Half of what a script costs the server, and more of what it
// costs its client, is not the script: calls of the same one share that.
type scriptRun struct {
	redis.Cmder
	calls []*Call
}

// runs returns what carries out the calls. Those that may share share.
func (b *Batcher) runs(ctx context.Context, calls []*Call) (all []scriptRun) {
	if len(calls) == 1 {
		return []scriptRun{newRun(ctx, calls)}
	}
	share := b.share.Load()
	var groups [][]*Call
	for n, c := range calls {
		i := -1
		if share {
			i = slices.IndexFunc(groups, func(g []*Call) bool { return g[0].goesWith(c) })
		}
		if i < 0 {
			i, groups = len(groups), append(groups, make([]*Call, 0, len(calls)-n))
		}
		groups[i] = append(groups[i], c)
	}
	for _, g := range groups {
		all = append(all, newRun(ctx, g))
	}
	return all
}

// learn has calls share no more where the server turns out to be several, behind a
// proxy that looks like one.
func (b *Batcher) learn(err error) {
	if err != nil && redis.HasErrorPrefix(err, "CROSSSLOT") {
		b.share.Store(false)
	}
}

// newRun returns what runs the script of the calls, by its name or with its
// text: the keys of all, what they have in common, and then what each has of its own.
func newRun(ctx context.Context, calls []*Call) scriptRun {
	first, now := calls[0], time.Now()
	args := make([]any, 0, 3+len(calls)*(1+first.owns)+len(first.common))
	if first.text {
		args = append(args, "eval", first.script.Text, len(calls))
	} else {
		args = append(args, "evalsha", first.script.SHA, len(calls))
	}
	for _, c := range calls {
		c.Sent, args = now, append(args, &c.key) // the string would need memory of its own
	}
	args = append(args, first.common...)
	for _, c := range calls {
		for i := range c.owns {
			args = append(args, &c.own[i])
		}
	}
	if len(calls) == 1 {
		return scriptRun{once{redis.NewCmd(ctx, args...)}, calls}
	}
	return scriptRun{onceForAll{redis.NewSliceCmd(ctx, args...)}, calls}
}

// once is a command that go-redis does not repeat: whoever asked must know that
// the first one may have been carried out.
type once struct{ *redis.Cmd }

// NoRetry says so to go-redis.
func (once) NoRetry() bool { return true }

// Plain runs a short script that has no keys, apart from all calls.
func (b *Batcher) Plain(ctx context.Context, sc *script.Script, args ...any) *redis.Cmd {
	run := once{redis.NewCmd(ctx, append([]any{"eval", sc.Text, 0}, args...)...)}
	_ = b.client.Process(ctx, run) // the command has the error
	return run.Cmd
}

type onceForAll struct{ *redis.SliceCmd }

// NoRetry says so to go-redis.
func (onceForAll) NoRetry() bool { return true }

// failed is what a script answers for a call that failed beside others.
const failed = -1

// deliver gives each call its part of the reply, and returns those that must be
// made anew.
func (r scriptRun) deliver() (anew []*Call) {
	err := r.Err()
	if reply.IsUnknownScript(err) && !r.calls[0].text {
		r.calls[0].text = true // and those after it find the server to know it
		return r.calls
	}
	all, isForAll := r.Cmder.(onceForAll)
	if !isForAll {
		one := r.calls[0]
		one.Numbers, one.Table = reply.Parse(r.Cmder.(once).Val())
		one.Err = err
		close(one.done)
		return nil
	}
	parts := all.Val()
	numbers := make([]int64, len(parts)) // of those that are one number, which most are
	for i, call := range r.calls {
		part, isNumber := any(nil), false
		if len(parts) == len(r.calls) {
			part = parts[i]
			numbers[i], isNumber = part.(int64)
		}
		if reply.IsAnswer(err) || err == nil && (part == nil || isNumber && numbers[i] == failed) {
			call.alone, call.Again = true, err == nil
			anew = append(anew, call)
			continue
		}
		if isNumber {
			call.Numbers = numbers[i : i+1 : i+1]
		} else {
			call.Numbers, call.Table = reply.Parse(part)
		}
		call.Err = err
		close(call.done)
	}
	return anew
}
