package reply_test

import (
	"errors"
	"reflect"
	"slices"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/concurrent-go/concurrent/driver"
	"github.com/concurrent-go/concurrent/drivers/redis/internal/reply"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestParseTakesNumbersAndTables(t *testing.T) {
	for _, x := range []struct {
		answer  any
		numbers []int64
		table   int
	}{
		{int64(1 << 50), []int64{1 << 50}, 0},
		{[]any{int64(0), int64(-1), int64(3)}, []int64{0, -1, 3}, 3},
		{[]any{int64(2), []any{"owner"}}, []int64{2}, 2},
		{"not ours", nil, 0},
		{nil, nil, 0},
		{true, nil, 0},
	} {
		if numbers, table := reply.Parse(x.answer); !slices.Equal(numbers, x.numbers) || len(table) != x.table {
			t.Errorf("%v: %v, %v", x.answer, numbers, table)
		}
	}
}

func TestAcquireReadsEachForm(t *testing.T) {
	const token = 1_790_000_000_000_000
	who := driver.Holder{Host: "h", PID: 7, Label: "l"}
	for _, x := range []struct {
		answer any
		want   reply.Acquired
	}{
		{int64(token), reply.Acquired{Granted: token}},
		{int64(2), reply.Acquired{OtherMode: true}},
		{refusal(5, 3, token, 6, "\x01h\x01l7"), reply.Acquired{For: 5 * time.Microsecond, Before: 3, Last: token, Place: 55, Age: 6 * time.Microsecond, Holder: who}},
		{refusal(-1, 0, token, 0, ""), reply.Acquired{For: driver.Forever, Last: token, Place: 55}},
		{refusal(1<<60, 0, token, 6, ""), reply.Acquired{For: driver.Forever, Last: token, Place: 55}},
	} {
		got, err := reply.Acquire(reply.Parse(x.answer))
		if err != nil || got != x.want || got.IsHeld() != (x.want.Last != 0) {
			t.Errorf("%v is read as %+v (%v), want %+v", x.answer, got, err, x.want)
		}
	}
}

func refusal(left, before, last, age int64, holder any) []any {
	return []any{int64(0), left, before, last, int64(55), age, holder}
}

// A malformed reply must be read neither as a grant nor as a refusal.
func TestAcquireRefusesWhatIsMalformed(t *testing.T) {
	for _, answer := range []any{
		nil, "a",
		[]any{},
		int64(1), int64(-1), int64(0), refusal(5, 3, 7, 1, "")[:6], append(refusal(5, 3, 7, 1, ""), int64(1)),
		refusal(-2, 0, 7, 1, ""), refusal(5, -1, 7, 1, ""), refusal(5, 0, -7, 1, ""), refusal(5, 0, 7, -1, ""), refusal(5, 0, 7, 1, int64(9)),
		refusal(5, 0, 7, 1, nil),
	} {
		if got, err := reply.Acquire(reply.Parse(answer)); !errors.Is(err, reply.ErrForm) || got != (reply.Acquired{}) {
			t.Errorf("%v is read as %+v (%v)", answer, got, err)
		}
	}
}

func TestDoneReadsYesAndNoAndRefusesTheRest(t *testing.T) {
	for _, x := range []struct {
		numbers []int64
		done    bool
		err     error
	}{
		{[]int64{1}, true, nil},
		{[]int64{0}, false, nil},
		{nil, false, reply.ErrForm},
		{[]int64{-1}, false, reply.ErrForm},
		{[]int64{2}, false, reply.ErrForm},
	} {
		if done, err := reply.Done(x.numbers); done != x.done || !errors.Is(err, x.err) {
			t.Errorf("%v is read as %v (%v)", x.numbers, done, err)
		}
	}
}

const channel = "abcdefghijkl" // of a store

func row(token, age, left int64) []any {
	return []any{"owner", int64(0), token, age, left, channel + "\x01h\x01l7"}
}

func TestInfoReadsHoldersInTheOrderOfTheirGrants(t *testing.T) {
	now := time.Unix(1_790_000_000, 0)
	got, more, err := reply.Info("k", []any{int64(3), []any{row(9, 2_000_000, -1), row(8, 0, 5)}, int64(99)}, now)
	if err != nil || more != 99 {
		t.Fatal(more, err)
	}
	who := driver.Holder{Host: "h", PID: 7, Label: "l"}
	want := driver.Info{Key: "k", Waiters: 3, Holders: []driver.Held{
		{Holder: who, Token: reply.Token(8), Since: now, Until: now.Add(5 * time.Microsecond)},
		{Holder: who, Token: reply.Token(9), Since: now.Add(-2 * time.Second)},
	}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("read as %+v, want %+v", got, want)
	}
	if got, _, err = reply.Info("k", []any{int64(0), []any{}, int64(0)}, now); err != nil || len(got.Holders) != 0 || got.Waiters != 0 {
		t.Errorf("a free key is read as %+v (%v)", got, err)
	}
}

func TestInfoRefusesWhatIsMalformed(t *testing.T) {
	short, odd, anonymous := row(1, 1, 1)[:5], row(1, 1, 1), row(1, 1, 1)
	odd[2], anonymous[5] = "1", channel[1:]
	for name, table := range map[string][]any{
		"nothing":                     nil,
		"too short":                   {int64(1)},
		"too long":                    {int64(1), []any{}, int64(1), int64(1)},
		"nowhere to go on":            {int64(1), []any{}},
		"to go on is none":            {int64(1), []any{}, "1"},
		"to go on is negative":        {int64(1), []any{}, int64(-1)},
		"the number is none":          {"1", []any{}, int64(0)},
		"the number is negative":      {int64(-1), []any{}, int64(0)},
		"the leases are none":         {int64(1), int64(1), int64(0)},
		"a lease is none":             {int64(1), []any{int64(1)}, int64(0)},
		"a lease is too short":        {int64(1), []any{short}, int64(0)},
		"a token is none":             {int64(1), []any{odd}, int64(0)},
		"a holder without a store":    {int64(1), []any{anonymous}, int64(0)},
		"the second lease is no more": {int64(1), []any{row(1, 1, 1), nil}, int64(0)},
	} {
		if info, _, err := reply.Info("k", table, time.Now()); !errors.Is(err, reply.ErrForm) || info.Holders != nil {
			t.Errorf("%s: read as %+v (%v)", name, info, err)
		}
	}
}
