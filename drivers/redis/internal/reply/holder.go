package reply

import (
	"strconv"

	"github.com/concurrent-go/concurrent/driver"
)

// HolderText returns a holder as the scripts keep it, which Holder reads. Host and label
// have 255 bytes at most, which driver.Request.Check sees to.
func HolderText(h *driver.Holder) string {
	return sized(h.Host) + sized(h.Label) + strconv.Itoa(h.PID)
}

// sized returns text behind one byte that is its length.
func sized(text string) string { return string([]byte{byte(len(text))}) + text }

// Holder reads what HolderText wrote. What is not readable is left empty.
func Holder(text string) (h driver.Holder) {
	host, text := CutSized(text)
	label, text := CutSized(text)
	h.Host, h.Label = host, label
	h.PID, _ = strconv.Atoi(text)
	return h
}

// CutSized returns what stands behind a byte that is its length, and what comes after
// it. Of text that is too short both are empty.
func CutSized(text string) (part, rest string) {
	if text == "" {
		return "", ""
	}
	end := 1 + int(text[0])
	if len(text) < end {
		return "", ""
	}
	return text[1:end], text[end:]
}
