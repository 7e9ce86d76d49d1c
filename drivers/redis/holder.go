package redis

import (
	"strconv"

	"github.com/concurrent-go/concurrent/driver"
)

// introduce returns the inbox and a holder as the scripts keep them.
func (s *Store) introduce(h *driver.Holder) string {
	return s.inbox.id + sized(h.Host) + sized(h.Label) + strconv.Itoa(h.PID)
}

// sized returns text behind one byte that is its length.
func sized(text string) string { return string([]byte{byte(len(text))}) + text }

// holderOf reads what introduce wrote, without the inbox. What is not readable
// is left empty.
func holderOf(text string) (h driver.Holder) {
	host, text := cutSized(text)
	label, text := cutSized(text)
	h.Host, h.Label = host, label
	h.PID, _ = strconv.Atoi(text)
	return h
}

func cutSized(text string) (part, rest string) {
	if text == "" {
		return "", ""
	}
	end := 1 + int(text[0])
	if len(text) < end {
		return "", ""
	}
	return text[1:end], text[end:]
}
