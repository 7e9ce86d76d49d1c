package postgres

import (
	"encoding/binary"
	"slices"
	"testing"

	"github.com/jackc/pgx/v5/pgtype"
)

// The formats are pgx's too: what is written here it can read, and what it
// writes can be read here.
func TestArraysAreThoseOfPgx(t *testing.T) {
	m := pgtype.NewMap()
	ints := []int64{0, 1, -1, 1 << 62, -1 << 63}
	var readInts []int64
	written := int8s(len(ints), func(i int) int64 { return ints[i] })
	if err := m.Scan(pgtype.Int8ArrayOID, pgtype.BinaryFormatCode, written, &readInts); err != nil || !slices.Equal(readInts, ints) {
		t.Errorf("int8[] is read as %v, %v, want %v", readInts, err, ints)
	}
	var readSmall []int32
	if err := m.Scan(pgtype.Int4ArrayOID, pgtype.BinaryFormatCode, int4s([]int32{5, -6}), &readSmall); err != nil || !slices.Equal(readSmall, []int32{5, -6}) {
		t.Errorf("int4[] is read as %v, %v", readSmall, err)
	}
	for oid, empty := range map[uint32][]byte{
		pgtype.Int8ArrayOID: int8s(0, nil), pgtype.Int4ArrayOID: int4s(nil), pgtype.ByteaArrayOID: byteas(0, nil),
	} {
		none, err := typeOf(t, m, oid).Codec.DecodeValue(m, oid, pgtype.BinaryFormatCode, empty)
		if all, ok := none.([]any); err != nil || !ok || len(all) != 0 {
			t.Errorf("an empty array of type %d is read as %v, %v", oid, none, err)
		}
	}
	keys := []string{"", "\x00", "key"}
	var readKeys [][]byte
	err := m.Scan(pgtype.ByteaArrayOID, pgtype.BinaryFormatCode, byteas(len(keys), func(i int) string { return keys[i] }), &readKeys)
	if err != nil || len(readKeys) != 3 || string(readKeys[1]) != "\x00" || string(readKeys[2]) != "key" {
		t.Errorf("bytea[] is read as %q, %v", readKeys, err)
	}
	var readBools []bool
	err = m.Scan(pgtype.BoolArrayOID, pgtype.BinaryFormatCode, appendBools(nil, 2, func(i int) bool { return i == 1 }), &readBools)
	if err != nil || !slices.Equal(readBools, []bool{false, true}) {
		t.Errorf("bool[] is read as %v, %v", readBools, err)
	}
}

func typeOf(t *testing.T, m *pgtype.Map, oid uint32) *pgtype.Type {
	t.Helper()
	of, ok := m.TypeForOID(oid)
	if !ok {
		t.Fatalf("pgx knows no type %d", oid)
	}
	return of
}

func TestAnswersAreReadAsPgxWritesThem(t *testing.T) {
	m := pgtype.NewMap()
	answer, err := m.Encode(pgtype.BoolArrayOID, pgtype.BinaryFormatCode, []bool{true, false, true}, nil)
	if err != nil {
		t.Fatal(err)
	}
	got := make([]int32, 3)
	if err := parseBools(answer, 3, func(i int, v int32) { got[i] = v }); err != nil || !slices.Equal(got, []int32{1, 0, 1}) {
		t.Errorf("bool[] is read as %v, %v", got, err)
	}
	if answer, err = m.Encode(pgtype.Int4ArrayOID, pgtype.BinaryFormatCode, []int32{-5, 0, 7}, nil); err != nil {
		t.Fatal(err)
	}
	if err := parseInt4s(answer, 3, func(i int, v int32) { got[i] = v }); err != nil || !slices.Equal(got, []int32{-5, 0, 7}) {
		t.Errorf("int4[] is read as %v, %v", got, err)
	}
	for n := range []int{2, 4} {
		if parseInt4s(answer, n, func(int, int32) {}) == nil {
			t.Errorf("an answer for 3 is taken as one for %d", n)
		}
	}
}

// Whatever a server answers, reading it ends, with a value or an error.
func FuzzAnswer(f *testing.F) {
	f.Add([]byte(nil), 1)
	f.Add(int4s([]int32{1, 2}), 2)
	f.Add(appendBools(nil, 1, func(int) bool { return true }), 1)
	f.Fuzz(func(t *testing.T, answer []byte, n int) {
		n = max(0, min(n, batchMost))
		set := func(i int, _ int32) {
			if i < 0 || i >= n {
				t.Errorf("sets %d of %d", i, n)
			}
		}
		_ = parseBools(answer, n, set)
		_ = parseInt4s(answer, n, set)
		_, _ = parseInt(answer)
		var f found
		_ = f.read([][]byte{answer}, f.Since)
	})
}

func TestTokensOrderAsTimelinesAndTransactionsDo(t *testing.T) {
	const lastXID = 1<<xidBits - 1
	var last uint64
	for _, of := range []struct {
		timeline uint64
		xid      int64
	}{{1, 3}, {1, 4}, {1, lastXID}, {2, 3}, {1<<timelineBits - 1, 1}, {1<<timelineBits - 1, lastXID}} {
		token := tokenOf(of.timeline, of.xid)
		if token <= last+spare && last != 0 || token+spare >= 1<<63 {
			t.Errorf("timeline %d, transaction %d has token %d, after %d with %d spare", of.timeline, of.xid, token, last, spare)
		}
		last = token
	}
	if tokenOf(1, 0) != 0 {
		t.Error("no transaction has a token")
	}
}

func TestIntsAreBigEndian(t *testing.T) {
	if v, err := parseInt(int8Of(-2)); v != -2 || err != nil {
		t.Errorf("%d, %v", v, err)
	}
	if v := binary.BigEndian.Uint32(int4Of(7)); v != 7 {
		t.Errorf("int4 is %d", v)
	}
	if v, err := parseInt(nil); v != 0 || err != nil {
		t.Errorf("null is %d, %v; want 0", v, err)
	}
	if _, err := parseInt([]byte{1}); err == nil {
		t.Error("one byte is taken for an int8")
	}
}
