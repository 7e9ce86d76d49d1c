package postgres

import (
	"context"
	"net"
	"sync"

	"github.com/jackc/pgx/v5/pgconn"
)

// A line is the connections that pgx makes for one session. When the session is given
// up, pgx asks the server to cancel, on a connection of its own, and waits for its
// answer for up to 15 s in the background. There is nothing to cancel yet: those
// connections end with the line.
type line struct {
	life context.Context
	end  context.CancelFunc
	next pgconn.DialFunc
	mu   sync.Mutex
	open []net.Conn
}

func newLine(next pgconn.DialFunc) *line {
	l := &line{next: next}
	l.life, l.end = context.WithCancel(context.Background())
	return l
}

// dial makes a connection, unless the line has ended.
func (l *line) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(l.life, cancel)()
	conn, err := l.next(ctx, network, addr)
	if err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.life.Err(); err != nil {
		_ = conn.Close() // nobody has used it
		return nil, err
	}
	l.open = append(l.open, conn)
	return conn, nil
}

// giveUp ends all of the line.
func (l *line) giveUp() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.end()
	for _, conn := range l.open {
		_ = conn.Close() // pgx may have closed it
	}
}
