package concurrent

import (
	"fmt"
	"io"
	"log/slog"
	"strconv"
	"strings"
)

// What prints a Config without its secrets, on every way that fmt, log/slog
// and encoding/json know.
var (
	_ fmt.Formatter  = Config{}
	_ fmt.Stringer   = Config{}
	_ fmt.GoStringer = Config{}
	_ slog.LogValuer = Config{}
)

// String returns what is set in c, without secrets.
func (c Config) String() string {
	var parts []string
	if c.URL != "" {
		parts = append(parts, "URL:"+strconv.Quote(redact(c.URL)))
	}
	if c.Store != nil {
		parts = append(parts, fmt.Sprintf("Store:%T", c.Store))
	}
	if c.Lease != 0 {
		parts = append(parts, "Lease:"+c.leaseText())
	}
	if c.Prefix != "" {
		parts = append(parts, "Prefix:"+strconv.Quote(c.Prefix))
	}
	return "{" + strings.Join(parts, " ") + "}"
}

// GoString returns what String does, with the name of the type.
func (c Config) GoString() string { return "concurrent.Config" + c.String() }

// Format writes what String returns for every verb, and what GoString returns
// for %#v.
func (c Config) Format(f fmt.State, verb rune) {
	text := c.String()
	if verb == 'v' && f.Flag('#') {
		text = c.GoString()
	}
	_, _ = io.WriteString(f, text)
}

// LogValue returns what is set in c as a group, without secrets.
func (c Config) LogValue() slog.Value {
	var attrs []slog.Attr
	if c.URL != "" {
		attrs = append(attrs, slog.String("url", redact(c.URL)))
	}
	if c.Store != nil {
		attrs = append(attrs, slog.String("store", fmt.Sprintf("%T", c.Store)))
	}
	if c.Lease != 0 {
		attrs = append(attrs, slog.String("lease", c.leaseText()))
	}
	if c.Prefix != "" {
		attrs = append(attrs, slog.String("prefix", c.Prefix))
	}
	return slog.GroupValue(attrs...)
}
