package postgres

import (
	"context"
	"io"
	"net"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgproto3"
	"go.uber.org/goleak"
)

// welcome lets a client in, calls asked when it asks something, and answers neither
// that nor one that cancels.
func welcome(t *testing.T, conn net.Conn, asked func()) {
	t.Helper()
	server := pgproto3.NewBackend(conn, conn)
	m, err := server.ReceiveStartupMessage()
	if err != nil {
		return // it was given up
	}
	if _, starts := m.(*pgproto3.StartupMessage); starts {
		server.Send(&pgproto3.AuthenticationOk{})
		server.Send(&pgproto3.BackendKeyData{ProcessID: 1, SecretKey: []byte{0, 0, 0, 1}})
		server.Send(&pgproto3.ReadyForQuery{TxStatus: 'I'})
		if err := server.Flush(); err != nil {
			t.Error(err)
		}
		_, _ = conn.Read(make([]byte, 1))
		asked()
	}
	_, _ = io.Copy(io.Discard, conn) // until the client closes it
}

func TestASessionThatIsGivenUpLeavesNothingBehind(t *testing.T) {
	before := goleak.IgnoreCurrent()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	config, err := pgconn.ParseConfig("postgres://u@" + l.Addr().String() + "/d?sslmode=disable")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var conns []net.Conn
	var served sync.WaitGroup
	served.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			conns = append(conns, conn)
			served.Go(func() { welcome(t, conn, cancel) })
		}
	})
	b := newBackend(config, defaults(), nil)
	defer b.end()
	if _, _, err := b.dial(ctx, usual); err == nil {
		t.Error("there is a session")
	}
	// The server is still there: what waits for it would be seen.
	if err := goleak.Find(before, goleak.IgnoreAnyFunction("github.com/concurrent-go/concurrent/drivers/postgres.TestASessionThatIsGivenUpLeavesNothingBehind.func1"),
		goleak.IgnoreAnyFunction("github.com/concurrent-go/concurrent/drivers/postgres.welcome")); err != nil {
		t.Error(err)
	}
	_ = l.Close()
	served.Wait()
	for _, conn := range conns {
		_ = conn.Close()
	}
}
