package bench

import (
	"context"
	"errors"
	"hash/fnv"
	"net/url"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
)

const (
	tryLockSQL = "select pg_try_advisory_lock($1)"
	lockSQL    = "select pg_advisory_lock($1)"
	unlockSQL  = "select pg_advisory_unlock($1)"
)

// advisory is the number of a key's advisory lock.
func advisory(key string) int64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(key)) // never fails
	return int64(h.Sum64())
}

// pooled takes a connection out of a pool for as long as it holds the lock: that
// is what one has to do by hand, as a lock is its session's.
func pooled(address, connections string, statement string) (taker, func(), error) {
	u, err := url.Parse(address)
	if err != nil {
		return nil, nil, err
	}
	query := u.Query()
	query.Set("pool_max_conns", connections)
	u.RawQuery = query.Encode()
	pool, err := pgxpool.New(context.Background(), u.String())
	if err != nil {
		return nil, nil, err
	}
	take := func(ctx context.Context, key string) (func() error, error) {
		conn, err := pool.Acquire(ctx)
		if err != nil {
			return nil, err
		}
		number, got := advisory(key), any(nil)
		if err := conn.QueryRow(ctx, statement, number).Scan(&got); err != nil || got == false {
			conn.Release()
			return nil, errors.Join(err, errTaken)
		}
		return func() error {
			defer conn.Release()
			return conn.QueryRow(context.WithoutCancel(ctx), unlockSQL, number).Scan(&got)
		}, nil
	}
	return take, pool.Close, nil
}

// pgxByHand is pgx with a pool of 64 connections, without tokens, leases or a
// look at losses.
var pgxByHand = contender{name: "pgx by hand", floor: true, open: func(address string, _ time.Duration) (*client, error) {
	try, closed, err := pooled(address, "64", tryLockSQL)
	return &client{try: try, close: closed}, err
}}

// advisoryOnPool is pg_advisory_lock on such a pool.
var advisoryOnPool = contender{name: "pg_advisory_lock on a pool", open: func(address string, _ time.Duration) (*client, error) {
	take, closed, err := pooled(address, "64", lockSQL)
	return &client{try: take, wait: take, close: closed}, err
}}

// blockedBackend has the process's one connection wait on the server.
var blockedBackend = contender{name: "blocked backend", open: func(address string, _ time.Duration) (*client, error) {
	take, closed, err := pooled(address, "1", lockSQL)
	return &client{wait: take, close: closed}, err
}}
