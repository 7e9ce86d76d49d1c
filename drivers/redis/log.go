package redis

import (
	"context"

	"github.com/redis/go-redis/v9"
)

// go-redis writes of what it meets to standard error, by one logger for the whole
// program: each dial that failed, each master that Sentinels name. What matters of that
// comes to callers and observers as errors. It can't be told which client a line is
// about, and what is set already can't be read. So it is silenced as this package is
// initialised, before main: a program that sets its own logger there has it.
func init() { redis.SetLogger(silence{}) }

type silence struct{}

// Printf says nothing.
func (silence) Printf(context.Context, string, ...any) {}
