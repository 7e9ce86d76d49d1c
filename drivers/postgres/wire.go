package postgres

import (
	"encoding/binary"
	"errors"
	"strconv"

	"github.com/jackc/pgx/v5/pgproto3"
)

// What follows is as much of the protocol's binary formats as the statements
// need.

const (
	boolOID  = 16
	byteaOID = 17
	int8OID  = 20
	int4OID  = 23
)

// appendHead appends what stands before the elements of an array, which is not
// empty.
func appendHead(b []byte, oid uint32, n int) []byte {
	for _, head := range [...]uint32{1, 0, oid, uint32(n), 1} {
		b = binary.BigEndian.AppendUint32(b, head)
	}
	return b
}

// appendInts appends an array of int8.
func appendInts(b []byte, n int, at func(int) int64) []byte {
	if b == nil {
		b = make([]byte, 0, arrayHead+12*n)
	}
	b = appendHead(b, int8OID, n)
	for i := range n {
		b = binary.BigEndian.AppendUint32(b, 8)
		b = binary.BigEndian.AppendUint64(b, uint64(at(i)))
	}
	return b
}

// appendBools appends an array of booleans.
func appendBools(b []byte, n int, at func(int) bool) []byte {
	b = appendHead(b, boolOID, n)
	for i := range n {
		b = binary.BigEndian.AppendUint32(b, 1)
		b = append(b, boolOf(at(i))...)
	}
	return b
}

// int4s is an array of int4, which may be empty.
func int4s(values []int32) []byte {
	if len(values) == 0 {
		return emptyArray(int4OID)
	}
	b := appendHead(nil, int4OID, len(values))
	for _, v := range values {
		b = binary.BigEndian.AppendUint32(b, 4)
		b = binary.BigEndian.AppendUint32(b, uint32(v))
	}
	return b
}

// int8s is an array of int8, which may be empty.
func int8s(n int, at func(int) int64) []byte {
	if n == 0 {
		return emptyArray(int8OID)
	}
	return appendInts(nil, n, at)
}

// byteas is an array of bytea, which may be empty.
func byteas(n int, at func(int) string) []byte {
	if n == 0 {
		return emptyArray(byteaOID)
	}
	b := appendHead(nil, byteaOID, n)
	for i := range n {
		b = binary.BigEndian.AppendUint32(b, uint32(len(at(i))))
		b = append(b, at(i)...)
	}
	return b
}

// emptyArray has no dimensions and no nulls.
func emptyArray(oid uint32) []byte {
	return binary.BigEndian.AppendUint32(make([]byte, 8, 12), oid)
}

func int8Of(v int64) []byte { return binary.BigEndian.AppendUint64(nil, uint64(v)) }

func int4Of(v int32) []byte { return binary.BigEndian.AppendUint32(nil, uint32(v)) }

func boolOf(v bool) []byte {
	if v {
		return []byte{1}
	}
	return []byte{0}
}

func itoa(v int64) string { return strconv.FormatInt(v, 10) }

var errMalformed = errors.New("the server's answer is malformed")

const arrayHead = 20

// elements returns the elements of an array, each of size bytes and none null.
func elements(b []byte, n, size int) ([]byte, error) {
	if len(b) != arrayHead+n*(4+size) || int(binary.BigEndian.Uint32(b[12:])) != n {
		return nil, errMalformed
	}
	return b[arrayHead:], nil
}

// parseBools reads an array of n booleans as 0 and 1.
func parseBools(b []byte, n int, set func(int, int32)) error {
	b, err := elements(b, n, 1)
	if err != nil {
		return err
	}
	for i := range n {
		set(i, int32(b[5*i+4]))
	}
	return nil
}

// parseInt4s reads an array of n int4.
func parseInt4s(b []byte, n int, set func(int, int32)) error {
	b, err := elements(b, n, 4)
	if err != nil {
		return err
	}
	for i := range n {
		set(i, int32(binary.BigEndian.Uint32(b[8*i+4:])))
	}
	return nil
}

// parseInt reads an int8, 0 for null.
func parseInt(b []byte) (int64, error) {
	switch len(b) {
	case 0:
		return 0, nil
	case 8:
		return int64(binary.BigEndian.Uint64(b)), nil
	}
	return 0, errMalformed
}

var binaryFormat = []int16{1}

// appendExecute appends what runs a prepared statement.
func appendExecute(b []byte, name string, params [][]byte) ([]byte, error) {
	bind := pgproto3.Bind{
		PreparedStatement: name, Parameters: params,
		ParameterFormatCodes: binaryFormat, ResultFormatCodes: binaryFormat,
	}
	b, err := bind.Encode(b)
	if err != nil {
		return b, err
	}
	return (&pgproto3.Execute{}).Encode(b)
}

// appendStatement appends what runs a statement that the session does not have.
func appendStatement(b []byte, text string, params [][]byte) ([]byte, error) {
	b, err := (&pgproto3.Parse{Query: text}).Encode(b)
	if err != nil {
		return b, err
	}
	return appendExecute(b, "", params)
}

// appendSync appends what ends a transaction and has the server answer.
func appendSync(b []byte) []byte {
	return append(b, 'S', 0, 0, 0, 4)
}
