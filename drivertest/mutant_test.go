package drivertest_test

import (
	"context"
	"iter"
	"time"

	"github.com/concurrent-go/concurrent/driver"
	"github.com/concurrent-go/concurrent/drivers/memory"
)

// A mutant is a memory store that does some things its own way: those whose
// function is set.
type mutant struct {
	*memory.Store
	tryAcquire func(context.Context, driver.Request) (driver.Grant, error)
	acquire    func(context.Context, driver.Request) (driver.Grant, error)
	extend     func(context.Context, driver.Request) (time.Time, error)
	extendAll  func(context.Context, []driver.Request) (time.Time, []error)
	release    func(context.Context, driver.Request) error
	keep       func(context.Context, driver.Request) error
	inspect    func(context.Context, string) (driver.Info, error)
	list       func(context.Context, string) iter.Seq2[driver.Info, error]
	breaks     func(context.Context, string) (driver.Info, error)
	notifyLost func(func(driver.Loss)) func()
	checkKeep  func(context.Context) error
	ping       func(context.Context) error
	features   func() driver.Features
	close      func() error
}

func (m *mutant) TryAcquire(ctx context.Context, r driver.Request) (driver.Grant, error) {
	if m.tryAcquire != nil {
		return m.tryAcquire(ctx, r)
	}
	return m.Store.TryAcquire(ctx, r)
}

func (m *mutant) Acquire(ctx context.Context, r driver.Request) (driver.Grant, error) {
	if m.acquire != nil {
		return m.acquire(ctx, r)
	}
	return m.Store.Acquire(ctx, r)
}

func (m *mutant) Extend(ctx context.Context, r driver.Request) (time.Time, error) {
	if m.extend != nil {
		return m.extend(ctx, r)
	}
	return m.Store.Extend(ctx, r)
}

func (m *mutant) ExtendAll(ctx context.Context, rs []driver.Request) (time.Time, []error) {
	if m.extendAll != nil {
		return m.extendAll(ctx, rs)
	}
	return m.Store.ExtendAll(ctx, rs)
}

func (m *mutant) Release(ctx context.Context, r driver.Request) error {
	if m.release != nil {
		return m.release(ctx, r)
	}
	return m.Store.Release(ctx, r)
}

func (m *mutant) Keep(ctx context.Context, r driver.Request) error {
	if m.keep != nil {
		return m.keep(ctx, r)
	}
	return m.Store.Keep(ctx, r)
}

func (m *mutant) Inspect(ctx context.Context, key string) (driver.Info, error) {
	if m.inspect != nil {
		return m.inspect(ctx, key)
	}
	return m.Store.Inspect(ctx, key)
}

func (m *mutant) List(ctx context.Context, prefix string) iter.Seq2[driver.Info, error] {
	if m.list != nil {
		return m.list(ctx, prefix)
	}
	return m.Store.List(ctx, prefix)
}

func (m *mutant) Break(ctx context.Context, key string) (driver.Info, error) {
	if m.breaks != nil {
		return m.breaks(ctx, key)
	}
	return m.Store.Break(ctx, key)
}

func (m *mutant) NotifyLost(f func(driver.Loss)) func() {
	if m.notifyLost != nil {
		return m.notifyLost(f)
	}
	return m.Store.NotifyLost(f)
}

func (m *mutant) CheckKeep(ctx context.Context) error {
	if m.checkKeep != nil {
		return m.checkKeep(ctx)
	}
	return nil
}

func (m *mutant) Ping(ctx context.Context) error {
	if m.ping != nil {
		return m.ping(ctx)
	}
	return m.Store.Ping(ctx)
}

func (m *mutant) Features() driver.Features {
	if m.features != nil {
		return m.features()
	}
	return m.Store.Features()
}

func (m *mutant) Close() error {
	if m.close != nil {
		return m.close()
	}
	return m.Store.Close()
}
