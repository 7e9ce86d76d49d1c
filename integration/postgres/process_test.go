package postgres

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/concurrent-go/concurrent/driver"
	"github.com/concurrent-go/concurrent/integration/process"
	"github.com/concurrent-go/concurrent/integration/requests"
)

// leaseEnv is for how long a holder holds; a minute if it is not set.
const leaseEnv = "CONCURRENT_TEST_LEASE"

// play is a process's main function.
func play(role string) int {
	if err := act(role); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

func act(role string) error {
	u, err := url.Parse(os.Getenv(process.URLEnv))
	if err != nil {
		return err
	}
	s, err := openURL(context.Background(), u)
	if err != nil {
		return err
	}
	key := os.Getenv(process.KeyEnv)
	switch role {
	case "holder":
		err = holdOn(s, key)
	case "waiter": // waits, then holds until it is killed
		fmt.Println("waits")
		if _, err = s.(driver.Waiter).Acquire(context.Background(), requests.Ask(key, time.Hour)); err == nil {
			fmt.Println("holds")
			process.AwaitEnd()
		}
	case "turns":
		err = takeTurns(s, key)
	case "pairs":
		err = takePairs(s, strings.Split(key, ","))
	}
	return err
}

// takeTurns takes a key, and gives it back, until its input ends. What it loses
// while it is frozen is no fault of its.
func takeTurns(s driver.Store, key string) error {
	ctx, stop := context.WithCancel(context.Background())
	go func() {
		process.AwaitEnd()
		stop()
	}()
	fmt.Println("begins")
	for ctx.Err() == nil {
		r := requests.Ask(key, 2*time.Second)
		if _, err := s.(driver.Waiter).Acquire(ctx, r); err == nil {
			_ = s.Release(context.Background(), r)
		}
	}
	return s.Close()
}

// takePairs takes two keys, one after the other, until its input ends, and says
// how often it had both. Of who does not get the second in time, the other gets
// the first.
func takePairs(s driver.Store, keys []string) error {
	ctx, stop := context.WithCancel(context.Background())
	go func() {
		process.AwaitEnd()
		stop()
	}()
	fmt.Println("begins")
	had := 0
	for ctx.Err() == nil {
		both, err := takePair(ctx, s, keys)
		if err != nil {
			return err
		}
		if both {
			had++
		}
	}
	fmt.Println(had)
	return s.Close()
}

// takePair reports whether it had both keys.
func takePair(ctx context.Context, s driver.Store, keys []string) (bool, error) {
	first, second := requests.Ask(keys[0], 30*time.Second), requests.Ask(keys[1], 30*time.Second)
	if _, err := s.(driver.Waiter).Acquire(ctx, first); err != nil {
		return false, nil //nolint:nilerr // its time is over
	}
	patience, cancel := context.WithTimeout(ctx, time.Duration(1+rand.IntN(50))*time.Millisecond)
	defer cancel()
	_, err := s.(driver.Waiter).Acquire(patience, second)
	both := err == nil
	if both {
		if err := s.Release(context.Background(), second); err != nil {
			return false, err
		}
	}
	return both, s.Release(context.Background(), first)
}

// holdOn holds a key until the process is killed, and says until when it may,
// in microseconds.
func holdOn(s driver.Store, key string) error {
	lease := time.Minute
	if text := os.Getenv(leaseEnv); text != "" {
		var err error
		if lease, err = time.ParseDuration(text); err != nil {
			return err
		}
	}
	g, err := s.TryAcquire(context.Background(), requests.Ask(key, lease))
	if err != nil {
		return err
	}
	fmt.Println(g.Sent.Add(lease).UnixMicro())
	process.AwaitEnd()
	return nil
}
