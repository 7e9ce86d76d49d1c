package servers

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strconv"
	"testing"

	"github.com/redis/go-redis/v9"
)

var redisServer = &source{
	name: "redis", variable: "CONCURRENT_TEST_REDIS_URL", packages: []string{"redis-server"},
	program: func() (string, error) { return exec.LookPath("redis-server") },
	start:   startRedis,
	ping:    pingRedis,
}

// Redis returns a Redis server. One that was started here has 10,000 databases,
// for tests to have one each.
func Redis(t testing.TB) *Server {
	t.Helper()
	return redisServer.get(t)
}

func startRedis(program, folder string) (*Server, error) {
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	if err := run(folder, nil, program,
		"--port", strconv.Itoa(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--databases", "10000", "--dir", folder,
	); err != nil {
		return nil, err
	}
	return &Server{URL: fmt.Sprintf("redis://127.0.0.1:%d/0", port), Kind: program}, nil
}

func pingRedis(ctx context.Context, url string) error {
	options, err := redis.ParseURL(url)
	if err != nil {
		return errors.New("that is no URL of a Redis server") // err may show the password
	}
	client := redis.NewClient(options)
	defer func() { _ = client.Close() }()
	return client.Ping(ctx).Err()
}
