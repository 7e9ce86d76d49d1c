package main

import (
	"encoding/json"
	"io"
	"time"
	"unicode/utf8"

	"github.com/concurrent-go/concurrent/locks"
)

// A keyJSON is a key as --json shows it. Its fields are not renamed.
type keyJSON struct {
	Alias    string       `json:"alias"`
	Key      string       `json:"key"`
	KeyBytes []byte       `json:"key_base64,omitempty"` // of a key that is no UTF-8
	Holders  []holderJSON `json:"holders"`
	Waiters  *int         `json:"waiters"` // null: unknown
}

type holderJSON struct {
	Host  string     `json:"host"`
	PID   int        `json:"pid"`
	Label string     `json:"label"`
	Since *time.Time `json:"since"` // null: unknown
	Until *time.Time `json:"until"` // null: it has no end
	Token uint64     `json:"token"` // 0: none
}

func toJSON(info locks.Info) keyJSON {
	k := keyJSON{Alias: info.Alias, Key: info.Key, Holders: []holderJSON{}}
	if !utf8.ValidString(info.Key) {
		k.KeyBytes = []byte(info.Key)
	}
	if info.Waiters >= 0 {
		k.Waiters = &info.Waiters
	}
	for _, h := range info.Holders {
		k.Holders = append(k.Holders, holderJSON{h.Host, h.PID, h.Label, timeJSON(h.Since), timeJSON(h.Until), h.Token})
	}
	return k
}

func timeJSON(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

func writeJSON(w io.Writer, value any) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(value)
}
