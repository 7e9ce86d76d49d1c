package integration

import (
	"math"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/redis/go-redis/v9"

	"github.com/concurrent-go/concurrent/integration/servers"
)

// block returns the README's only block of a language.
func block(t *testing.T, language string) string {
	t.Helper()
	readme, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	parts := strings.Split(string(readme), "```"+language+"\n")
	if len(parts) != 2 {
		t.Fatalf("the README has %d blocks of %s, want one", len(parts)-1, language)
	}
	code, _, _ := strings.Cut(parts[1], "```")
	return code
}

// A fenced write is a token and whether the resource must take it.
var fencedWrites = []struct {
	token uint64
	taken bool
}{
	{7, true},
	{7, true}, // the same holder writes again
	{9, true},
	{8, false},
	{10, true}, // more digits than the last one
	{9, false},
	{1<<53 + 1, true}, // what a float can't tell from …
	{1 << 53, false},  // … this one
	{math.MaxInt64 - 1, true},
	{math.MaxInt64, true},
	{math.MaxInt64 - 1, false},
}

// The SQL that the README shows refuses smaller tokens than it has seen.
func TestReadmeSQL(t *testing.T) {
	ctx := t.Context()
	conn, err := pgx.Connect(ctx, servers.Postgres(t).URL)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(ctx) }()
	for _, statement := range []string{
		`create temporary table report (month text primary key, total int, fence bigint not null default 0)`,
		`insert into report (month, total) values ('2026-11', 0)`,
	} {
		if _, err := conn.Exec(ctx, statement); err != nil {
			t.Fatal(err)
		}
	}
	update := block(t, "sql")
	for i, write := range fencedWrites {
		tag, err := conn.Exec(ctx, update, i, int64(write.token), "2026-11")
		if err != nil {
			t.Fatal(err)
		}
		if taken := tag.RowsAffected() == 1; taken != write.taken {
			t.Errorf("write %d with token %d: taken %t, want %t", i, write.token, taken, write.taken)
		}
	}
}

// So does the script.
func TestReadmeLua(t *testing.T) {
	ctx := t.Context()
	options, err := redis.ParseURL(servers.Redis(t).URL)
	if err != nil {
		t.Fatal(err)
	}
	client := redis.NewClient(options)
	defer func() { _ = client.Close() }()
	script := redis.NewScript(block(t, "lua"))
	for i, write := range fencedWrites {
		taken, err := script.Run(ctx, client, []string{"readme:report"}, i, strconv.FormatUint(write.token, 10)).Int()
		if err != nil {
			t.Fatal(err)
		}
		if (taken == 1) != write.taken {
			t.Errorf("write %d with token %d: taken %d, want %t", i, write.token, taken, write.taken)
		}
		if value, err := client.HGet(ctx, "readme:report", "value").Int(); err != nil || write.taken && value != i {
			t.Errorf("the value after write %d is %d, %v", i, value, err)
		}
	}
}
