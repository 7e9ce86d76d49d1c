package redis

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/concurrent-go/concurrent/driver"
	"github.com/concurrent-go/concurrent/integration/process"
	"github.com/concurrent-go/concurrent/integration/requests"
)

// play is a process's main function.
func play(role string) int {
	s, err := openURL(context.Background(), os.Getenv(process.URLEnv))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	r := requests.Ask(os.Getenv(process.KeyEnv), time.Second)
	switch role {
	case "outage": // asks until its server is away, and says nothing but that
		for err == nil || errors.Is(err, driver.ErrHeld) {
			_, err = s.TryAcquire(context.Background(), r)
			<-time.After(time.Millisecond)
		}
		fmt.Println("away")
		_ = s.Close()
		return 0
	case "holder": // holds until it is killed, and says so
		_, err = s.TryAcquire(context.Background(), r)
	case "waiter", "brief waiter": // waits, then holds until it is killed
		r.Lease, r.Brief = time.Hour, role != "waiter"
		fmt.Println("waits")
		_, err = s.(driver.Waiter).Acquire(context.Background(), r)
	case "loop": // takes the key and gives it back until its input ends
		return loop(s)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	fmt.Println("holds")
	process.AwaitEnd()
	return 0
}

// loop takes the key again and again, tells how often when its input ends, and
// how long each hand-over took to come.
func loop(s driver.Store) int {
	ctx, stop := context.WithCancel(context.Background())
	go func() {
		process.AwaitEnd()
		stop()
	}()
	fmt.Println("waits")
	n := 0
	for ctx.Err() == nil {
		r := requests.Ask(os.Getenv(process.KeyEnv), 10*time.Second)
		r.Brief = true // it gives it back in less than a second
		if _, err := s.(driver.Waiter).Acquire(ctx, r); err != nil {
			break
		}
		n++
		if err := s.Release(context.Background(), r); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
	}
	fmt.Println(n)
	_ = s.Close()
	return 0
}
