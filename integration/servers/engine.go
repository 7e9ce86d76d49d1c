package servers

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/moby/moby/client"
	"github.com/testcontainers/testcontainers-go/log"

	"github.com/concurrent-go/concurrent/integration/images"
)

// kindVariable has servers be containers ("container") or programs ("program")
// and nothing else.
const kindVariable = "CONCURRENT_TEST_SERVERS"

// An engine is this machine's Docker engine.
type engine struct {
	client  *client.Client
	images  *images.Engine
	session string // of this process's containers, which have it as a label

	mu    sync.Mutex
	watch *watchdog // nil: no container was made yet
}

var findEngine = sync.OnceValues(func() (*engine, error) {
	e, err := newEngine()
	if err != nil {
		fmt.Fprintf(os.Stderr, "servers: no containers: %v\n", err)
	}
	return e, err
})

// containers returns the engine, if servers are to be containers, or the reason
// why they are programs. What is measured in a benchmark is a program, with
// nothing of an engine beside it.
func containers(t testing.TB) (e *engine, reason, err error) {
	switch kind := os.Getenv(kindVariable); kind {
	case "program":
		return nil, errors.New(kindVariable + " is " + kind), nil
	case "container":
		if e, err = findEngine(); err != nil {
			return nil, nil, fmt.Errorf("%s is %s: %w", kindVariable, kind, err)
		}
		return e, nil, nil
	}
	if _, ok := t.(*testing.B); ok {
		return nil, errors.New("benchmarks use programs"), nil
	}
	e, reason = findEngine()
	return e, reason, nil
}

func newEngine() (*engine, error) {
	log.SetDefault(log.NewNoopLogger())
	// Ryuk, which would remove what we leave, is an image that may not be to be
	// had. Our watchdog does its work everywhere.
	if os.Getenv("TESTCONTAINERS_RYUK_DISABLED") == "" {
		if err := os.Setenv("TESTCONTAINERS_RYUK_DISABLED", "true"); err != nil {
			return nil, err
		}
	}
	c, err := images.NewClient()
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	info, err := c.Info(ctx, client.InfoOptions{})
	switch {
	case err != nil:
		return nil, fmt.Errorf("no Docker engine answers: %w", err)
	case !strings.HasPrefix(c.DaemonHost(), "unix://"), strings.Contains(info.Info.OperatingSystem, "Desktop"),
		strings.Contains(fmt.Sprint(info.Info.SecurityOptions), "rootless"):
		return nil, errors.New("the Docker engine has another network than this process")
	}
	e := &engine{client: c, images: &images.Engine{Client: c}, session: rand.Text()}
	if err := e.images.Obtainable(ctx, images.Versions("redis")[0]); err != nil {
		return nil, err
	}
	return e, nil
}
