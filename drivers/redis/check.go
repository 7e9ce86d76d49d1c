package redis

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/redis/go-redis/v9"

	"github.com/concurrent-go/concurrent/drivers/redis/internal/rediskey"
	"github.com/concurrent-go/concurrent/drivers/redis/internal/reply"
	"github.com/concurrent-go/concurrent/drivers/redis/internal/script"
)

// oldest is the first version with what the scripts need: flags of scripts,
// which let a lease be extended and released when the memory is full.
const oldest = 7

// check finds out whether every server that has keys is fit to hold locks.
func (s *Store) check(ctx context.Context) error {
	nodes, err := s.masters(ctx)
	if err != nil {
		return s.unreachable(ctx, err)
	}
	for i, node := range nodes {
		if err := s.checkNode(ctx, node, i == 0); err != nil {
			return err
		}
	}
	return s.checkSubscription(ctx)
}

func (s *Store) unreachable(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return fmt.Errorf("%w: %w", ctx.Err(), s.secrets.Explain(err))
	}
	return s.secrets.Explain(err)
}

func (s *Store) checkNode(ctx context.Context, node redis.Cmdable, first bool) error {
	conn, ok := node.(interface {
		Do(ctx context.Context, args ...any) *redis.Cmd
	})
	if !ok {
		return reply.Unfit("a %T can't be asked what it is", node)
	}
	hello, err := conn.Do(ctx, "hello").Result()
	switch {
	case err == nil:
		if err := s.checkServer(fields(hello)); err != nil {
			return err
		}
	case !reply.IsAnswer(err) || reply.FateOf(err) == reply.Postponed:
		return s.unreachable(ctx, err)
	case reply.IsAuth(err):
		return s.secrets.Explain(err)
	}
	mayInfo, err := s.checkScripts(ctx, node)
	if err != nil {
		return err
	}
	if first && mayInfo { // else the question would stand in the server's ACL LOG
		s.checkMemory(ctx, node)
	}
	return nil
}

// checkServer looks at what a server says of itself. What it does not say is
// taken to be right.
func (s *Store) checkServer(hello map[string]string) error {
	if hello["server"] == "miniredis" {
		return reply.Unfit("this is miniredis, which does not do what scripts of Redis 7 ask of a server; in tests use memory://, or package locktest")
	}
	if hello["mode"] == "sentinel" {
		return reply.Unfit("this is a Sentinel, which has no locks; add master_name= to the URL, or connect to the master")
	}
	if hello["role"] == "replica" || hello["role"] == "slave" {
		return reply.Unfit("this server is a read-only replica, which does not see the newest locks; the URL must name the master, or Sentinel with master_name=")
	}
	if _, cluster := s.client.(*redis.ClusterClient); hello["mode"] == "cluster" && !cluster {
		return reply.Unfit("this server is a node of a Cluster; name another of its nodes with addr= (New wants a ClusterClient)")
	}
	version := hello["version"]
	major, _, _ := strings.Cut(version, ".")
	if n, err := strconv.Atoi(major); err == nil && n < oldest {
		return reply.Unfit("the server's version is %s; the scripts need Redis 7.0 or Valkey 7.2, or later", version)
	}
	return nil
}

// fields reads a reply of names and values, in either protocol.
func fields(hello any) map[string]string {
	found := make(map[string]string)
	switch hello := hello.(type) {
	case map[any]any:
		for name, value := range hello {
			found[fmt.Sprint(name)] = fmt.Sprint(value)
		}
	case []any:
		for pair := range slices.Chunk(hello, 2) {
			if len(pair) == 2 {
				found[fmt.Sprint(pair[0])] = fmt.Sprint(pair[1])
			}
		}
	}
	return found
}

// checkScripts runs a script that asks for the commands of the others, and reports
// whether the user may ask for INFO too.
func (s *Store) checkScripts(ctx context.Context, node redis.Cmdable) (mayInfo bool, err error) {
	name := rediskey.Name(rediskey.Space + "probe:" + s.wakeup.ID())
	denied, err := node.Eval(ctx, script.Probe.Text, nil, s.wakeup.Channel(), name).StringSlice()
	needed := slices.DeleteFunc(slices.Clone(denied), func(name string) bool { return name == "info" })
	switch {
	case err == nil && len(needed) == 0:
		return len(denied) == 0, nil
	case err == nil:
		return false, reply.Unfit("the ACL lets this user not run: %s; the driver's documents list what it needs", strings.Join(needed, ", "))
	case !reply.IsAnswer(err) || reply.FateOf(err) == reply.Postponed && !redis.HasErrorPrefix(err, "MOVED"):
		return false, s.unreachable(ctx, err)
	case redis.HasErrorPrefix(err, "NOPERM"):
		return false, reply.Unfit("the ACL lets this user not run scripts, as EVAL and EVALSHA do (the server said: %s)", s.secrets.Hide(err.Error()))
	case reply.IsAuth(err):
		return false, s.secrets.Explain(err)
	}
	return false, reply.Unfit("this server, or the proxy before it, does not run the scripts that locks are made of (it said: %s)", s.secrets.Hide(err.Error()))
}

// checkMemory warns of a server that removes keys when its memory is full. It
// needs INFO, which the user need not have.
func (s *Store) checkMemory(ctx context.Context, node redis.Cmdable) {
	info, err := node.Info(ctx, "memory").Result()
	if err != nil {
		return
	}
	found := make(map[string]string)
	for line := range strings.Lines(info) {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), ":"); ok {
			found[name] = value
		}
	}
	policy := found["maxmemory_policy"]
	if policy != "" && policy != "noeviction" && found["maxmemory"] != "0" {
		s.warned = append(s.warned, fmt.Errorf("redis: the server's maxmemory-policy is %s: when its memory is full it removes keys, and may "+
			"remove locks that are held; set it to noeviction, or use a server of its own", policy))
	}
}

// checkSubscription waits until the subscription stands.
func (s *Store) checkSubscription(ctx context.Context) error {
	for {
		live, change, failure := s.wakeup.Status()
		switch {
		case live:
			return nil
		case failure != nil && redis.HasErrorPrefix(failure, "NOPERM"):
			return reply.Unfit("the ACL lets this user not subscribe to channels that begin with %s (the server said: %s)", rediskey.Channels, s.secrets.Hide(failure.Error()))
		case failure != nil && reply.IsAnswer(failure) && reply.FateOf(failure) == reply.Refused:
			return reply.Unfit("this server, or the proxy before it, lets nobody subscribe (it said: %s)", s.secrets.Hide(failure.Error()))
		}
		select {
		case <-change:
		case <-ctx.Done():
			if failure != nil {
				return s.unreachable(ctx, failure)
			}
			return ctx.Err()
		}
	}
}
