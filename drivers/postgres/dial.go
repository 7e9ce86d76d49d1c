package postgres

import (
	"context"
	"errors"
	"maps"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/concurrent-go/concurrent/internal/clock"
)

// oldest is the first version with idle_session_timeout, as a number.
const oldest = 140000

// settings are what a session is given at its start, where no RESET undoes it.
// A session that has nothing to do for its idle time is ended by the server.
// Nothing here waits for standbys: the timeline in the tokens sees to failover.
func settings(idle time.Duration) map[string]string {
	ms := strconv.FormatInt(idle.Milliseconds(), 10)
	seconds := strconv.Itoa(max(1, int(idle.Seconds())/4))
	return map[string]string{
		"idle_session_timeout":                ms,
		"idle_in_transaction_session_timeout": ms,
		"statement_timeout":                   strconv.FormatInt((idle / 3).Milliseconds(), 10),
		"tcp_user_timeout":                    ms,
		"tcp_keepalives_idle":                 seconds,
		"tcp_keepalives_interval":             seconds,
		"tcp_keepalives_count":                "3",
		"default_transaction_read_only":       "off",
		"default_transaction_isolation":       "read committed",
		"synchronous_commit":                  "local",
		"search_path":                         "pg_catalog",
		"plan_cache_mode":                     "force_generic_plan",
		"client_min_messages":                 "error",
		"jit":                                 "off",
	}
}

// A verdict is what a server was found to be.
type verdict struct {
	table   int64 // places in its lock table
	durable bool  // it flushes what it says is flushed
}

// dial makes a session of a class, which the server ends when it is idle for
// long, or one that listens, of class −1. That one holds no locks: a backend that
// sends to a frozen client is not idle, and may live for longer. The one that stands
// waits for a lock on the server, but not for long.
func (b *backend) dial(ctx context.Context, class int) (*session, verdict, error) {
	idle := earsIdle
	if class >= 0 && class != standing {
		idle = idles[class]
	}
	config := b.config.Copy()
	maps.Copy(config.RuntimeParams, settings(idle))
	if class == standing {
		config.RuntimeParams["lock_timeout"] = strconv.FormatInt(standFor.Milliseconds(), 10)
	}
	if config.RuntimeParams["application_name"] == "" {
		config.RuntimeParams["application_name"] = "concurrent"
	}
	if config.ValidateConnect == nil && len(config.Fallbacks) > 0 {
		config.ValidateConnect = pgconn.ValidateConnectTargetSessionAttrsPrimary
	}
	config.OnNotice, config.OnNotification = nil, nil
	if class < 0 { // what is said before the session is ours
		config.OnNotification = func(_ *pgconn.PgConn, n *pgconn.Notification) { b.notified(n.PID, n.Payload) }
	}
	l := newLine(config.DialFunc)
	config.DialFunc = l.dial
	c, err := pgconn.ConnectConfig(ctx, config)
	if err != nil {
		l.giveUp()
		return nil, verdict{}, b.unreachable(ctx, err)
	}
	s, v, err := b.verify(ctx, c, idle, class)
	if err != nil {
		end, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		if !c.IsClosed() {
			_ = c.Close(end) // that it is of no use is said already
		}
		l.giveUp()
		<-c.CleanupDone()
		return nil, verdict{}, b.unreachable(ctx, err)
	}
	return s, v, nil
}

func (b *backend) unreachable(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return errors.Join(ctx.Err(), b.secrets.explain(err))
	}
	return b.secrets.explain(err)
}

// verify finds out whether a connection is fit to hold locks, and makes it a
// session.
func (b *backend) verify(ctx context.Context, c *pgconn.PgConn, idle time.Duration, class int) (*session, verdict, error) {
	began := clock.Now()
	result := c.ExecParams(ctx, script("verify", b.options.schema), nil, nil, nil, binaryFormat).Read()
	if result.Err != nil {
		return nil, verdict{}, result.Err
	}
	var facts [6]int64
	for i := range facts {
		if len(result.Rows) != 1 || len(result.Rows[0]) != len(facts) {
			return nil, verdict{}, errMalformed
		}
		n, err := parseInt(result.Rows[0][i])
		if err != nil {
			return nil, verdict{}, err
		}
		facts[i] = n
	}
	v := verdict{table: facts[4], durable: facts[5] == 1}
	if err := judge(facts[:4], int64(c.PID()), idle); err != nil {
		return nil, v, err
	}
	s := &session{home: b, class: class, idle: idle, target: idle, pid: c.PID(), done: make(chan struct{})}
	if err := b.equip(ctx, s, c); err != nil {
		return nil, v, err
	}
	s.start(began)
	return s, v, nil
}

// equip gives a session what it works with, and takes its connection from pgx.
func (b *backend) equip(ctx context.Context, s *session, c *pgconn.PgConn) (err error) {
	if b.options.fencing {
		if s.timeline, err = b.timelineOf(ctx, c); err != nil {
			return err
		}
	}
	if s.class < 0 {
		if err = c.Exec(ctx, listenTo(string(b.channel))).Close(); err == nil {
			err = b.sit(ctx, c)
		}
	} else {
		err = b.prepare(ctx, c)
	}
	if err != nil {
		return err
	}
	if err := c.SyncConn(ctx); err != nil {
		return err
	}
	hijacked, err := c.Hijack()
	if err != nil {
		return err
	}
	s.conn, s.reading = hijacked.Conn, newReading(hijacked.Frontend)
	_ = s.conn.SetDeadline(time.Time{}) // the reader waits for ever
	return nil
}

// judge says what is wrong with a server: its version, whether it is a standby,
// which process serves us, after which time it ends us, in milliseconds.
func judge(facts []int64, pid int64, idle time.Duration) error {
	switch {
	case facts[0] < oldest:
		return unfit("the server's version is %d.%d; locks need idle_session_timeout, which PostgreSQL has since 14", facts[0]/10000, facts[0]%10000)
	case facts[1] == 1:
		return unfit("the server is a standby, which would grant locks of its own; the URL must name the primary, or several hosts of which one is (host=a,b)")
	case facts[2] != pid:
		return unfit("a proxy stands before the server (the process that answers is %d, the one that was promised %d): "+
			"it would give a session's locks to whoever comes next; connect to the server itself", facts[2], pid)
	case facts[3] != idle.Milliseconds():
		return unfit("the server did not take idle_session_timeout for the session (it is %d ms, and should be %d): "+
			"locks of a dead process would stay; connect without a proxy", facts[3], idle.Milliseconds())
	}
	return nil
}

func (b *backend) timelineOf(ctx context.Context, c *pgconn.PgConn) (uint64, error) {
	result := c.ExecParams(ctx, script("timeline", b.options.schema), nil, nil, nil, nil).Read()
	if result.Err != nil {
		return 0, result.Err
	}
	if len(result.Rows) != 1 {
		return 0, errMalformed
	}
	timeline, err := strconv.ParseUint(string(result.Rows[0][0]), 16, 32)
	if err != nil {
		return 0, errMalformed
	}
	if timeline >= 1<<timelineBits {
		return 0, unfit("the server's timeline is %d, of which tokens can't be made; use fencing=off", timeline)
	}
	return timeline, nil
}

// prepare gives the session the statements under their names.
func (b *backend) prepare(ctx context.Context, c *pgconn.PgConn) error {
	if err := b.reach(ctx, c); err != nil {
		return err
	}
	result := c.ExecParams(ctx, script("present", b.options.schema), [][]byte{int8Of(b.presence)}, nil, binaryFormat, nil).Read()
	if result.Err != nil {
		return result.Err
	}
	for i, name := range statements {
		if name == "" {
			continue
		}
		text := name
		if (kind(i) == try || kind(i) == confirm) && !b.options.fencing {
			text += "_unfenced"
		}
		text = script(text, b.options.schema)
		if _, err := c.Prepare(ctx, name, text, nil); err != nil {
			return err
		}
		if i := kind(i); i == try || i == unlock {
			if _, err := c.Prepare(ctx, name+ofOne, alone(text), nil); err != nil {
				return err
			}
		}
	}
	return nil
}

// reach finds out whether the role sees which keys are kept.
func (b *backend) reach(ctx context.Context, c *pgconn.PgConn) error {
	result := c.ExecParams(ctx, script("reach", b.options.schema), nil, nil, nil, binaryFormat).Read()
	sees, err := int64(0), result.Err
	if e, ok := errors.AsType[*pgconn.PgError](err); err != nil && (!ok || e.Code != "42501") {
		return err
	}
	if err == nil {
		sees, err = oneNumber(result.Rows)
	}
	if err != nil || sees != 1 {
		return unfit("the role may not see which keys are kept, and would take them; have an administrator run: grant usage on schema %s to the role; grant select on %s.kept to it",
			b.options.schema, b.options.schema)
	}
	return nil
}
