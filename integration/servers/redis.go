package servers

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/testcontainers/testcontainers-go"
	tcredis "github.com/testcontainers/testcontainers-go/modules/redis"
)

var redisMaker = &maker{
	name: "redis", variable: "CONCURRENT_TEST_REDIS_URL", packages: []string{"redis-server"},
	programs: redisPrograms,
	program: func(l *launch, p program) (runner, error) {
		return newProcess(l.folder, nil, append([]string{p.path}, redisArgs(l)...)), nil
	},
	image: redisContainer,
	url:   func(port int) string { return fmt.Sprintf("redis://127.0.0.1:%d/0", port) },
	ping:  pingRedis,
}

// NewRedis returns a Redis or Valkey server of the test's own, which it may do
// anything with: of a version ("redis 7.0", "redis 8.0", "valkey 8.1"), or of
// any ("redis"). It writes nothing to its disk unless arguments say so, and ends
// with the test.
func NewRedis(t testing.TB, version string, options ...Option) *Server {
	t.Helper()
	return own(t, version, options)
}

// own starts a server that ends with the test.
func own(t testing.TB, version string, options []Option) *Server {
	t.Helper()
	server, err := start(t, version, options)
	if err != nil {
		t.Fatalf("servers: no %s: %v", version, err)
	}
	t.Cleanup(func() {
		if err := server.control("remove", runner.remove); err != nil {
			t.Error(err)
		}
	})
	return server
}

func redisPrograms() []program {
	var all []program
	for name, after := range map[string]string{"redis": "Redis server v=", "valkey": "Valkey server v="} {
		path, err := exec.LookPath(name + "-server")
		if err != nil {
			continue
		}
		if says, err := exec.Command(path, "--version").Output(); err == nil {
			all = append(all, program{version: name + " " + versionOf(string(says), after, 2), path: path})
		}
	}
	slices.SortFunc(all, func(a, b program) int { return strings.Compare(a.version, b.version) })
	return all
}

// redisArgs come before the test's own. A configuration file must come first.
func redisArgs(l *launch) []string {
	ours := []string{"--port", strconv.Itoa(l.port), "--bind", "127.0.0.1", "--dir", l.folder}
	if len(l.args) > 0 && !strings.HasPrefix(l.args[0], "--") { // a Sentinel has no databases
		return append(append([]string{l.args[0]}, ours...), l.args[1:]...)
	}
	return append(append(ours, "--save", "", "--appendonly", "no", "--databases", "10000"), l.args...)
}

func redisContainer(l *launch, e *engine, ref string) (runner, error) {
	name, _, _ := strings.Cut(l.version, " ")
	return &inContainer{engine: e, folder: l.folder, create: func(ctx context.Context, options ...testcontainers.ContainerCustomizer) (testcontainers.Container, error) {
		c, err := tcredis.Run(ctx, ref, append(options, inFolder(l, nil, append([]string{name + "-server"}, redisArgs(l)...)...)...)...)
		if c == nil {
			return nil, err
		}
		return c.Container, err
	}}, nil
}

func pingRedis(ctx context.Context, url string) error {
	options, err := redis.ParseURL(url)
	if err != nil {
		return errors.New("that is no URL of a Redis server") // err may show the password
	}
	options.MaxRetries, options.DialerRetries = -1, 1
	// A client that can't reach it would say so on standard error.
	conn, err := (&net.Dialer{Timeout: 5 * time.Second}).DialContext(ctx, options.Network, options.Addr)
	if err != nil {
		return err
	}
	_ = conn.Close()
	client := redis.NewClient(options)
	defer func() { _ = client.Close() }()
	err = client.Ping(ctx).Err()
	if err != nil && strings.HasPrefix(err.Error(), "NOAUTH") { // it answers, and keeps out who has no password
		return nil
	}
	return err
}
