package wakeup

import (
	"encoding/binary"
	"math"

	"github.com/concurrent-go/concurrent/drivers/redis/internal/rediskey"
	"github.com/concurrent-go/concurrent/drivers/redis/internal/reply"
)

// A message is what a script publishes: w and a waiter's number, or h, the number and
// a token, or b, the length of an owner's name, the name, and a Redis key.
type message struct {
	kind   kind
	number uint32
	token  uint64 // as the scripts count
	key    string // the lock's
	owner  string
}

type kind byte

const (
	noMessage kind = 0
	yourTurn  kind = 'w'
	handedOff kind = 'h'
	broken    kind = 'b'
)

// parse reads a message. What is not one is noMessage.
func parse(text string) (m message) {
	switch {
	case len(text) == 5 && text[0] == byte(yourTurn):
		return message{kind: yourTurn, number: number(text)}
	case len(text) == 13 && text[0] == byte(handedOff):
		token := math.Float64frombits(binary.BigEndian.Uint64([]byte(text[5:])))
		if token >= 1 && token < 1<<53 && token == math.Trunc(token) { // what Lua counts exactly
			return message{kind: handedOff, number: number(text), token: uint64(token)}
		}
	case len(text) > 2 && text[0] == byte(broken):
		owner, name := reply.CutSized(text[1:])
		if key, ok := rediskey.Lock(name); ok {
			return message{kind: broken, owner: owner, key: key}
		}
	}
	return message{}
}

func number(text string) uint32 { return binary.BigEndian.Uint32([]byte(text[1:5])) }
