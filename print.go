package concurrent

import (
	"fmt"
	"io"
	"log/slog"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/concurrent-go/concurrent/internal/redact"
)

// What prints a Config and Aliases without their secrets, on every way that fmt, log/slog
// and encoding/json know.
var (
	_ fmt.Formatter  = Config{}
	_ fmt.Stringer   = Config{}
	_ fmt.GoStringer = Config{}
	_ slog.LogValuer = Config{}
	_ fmt.Formatter  = Aliases{}
	_ fmt.Stringer   = Aliases{}
	_ fmt.GoStringer = Aliases{}
	_ slog.LogValuer = Aliases{}
)

// String returns what is set in c, without secrets.
func (c Config) String() string {
	var parts []string
	if c.URL != "" {
		parts = append(parts, "URL:"+strconv.Quote(redact.URL(c.URL)))
	}
	if c.Store != nil {
		parts = append(parts, fmt.Sprintf("Store:%T", c.Store))
	}
	if c.Lease != 0 {
		parts = append(parts, "Lease:"+c.leaseText())
	}
	if c.Prefix != "" {
		parts = append(parts, "Prefix:"+strconv.Quote(redact.Text(c.Prefix)))
	}
	return "{" + strings.Join(parts, " ") + "}"
}

// GoString returns what String does, with the name of the type.
func (c Config) GoString() string { return "concurrent.Config" + c.String() }

// Format writes what String returns for every verb, and what GoString returns
// for %#v.
func (c Config) Format(f fmt.State, verb rune) { format(f, verb, c) }

// format writes v without its secrets, whatever the verb.
func format(f fmt.State, verb rune, v interface {
	fmt.Stringer
	fmt.GoStringer
},
) {
	text := v.String()
	if verb == 'v' && f.Flag('#') {
		text = v.GoString()
	}
	_, _ = io.WriteString(f, text)
}

// LogValue returns what is set in c as a group, without secrets.
func (c Config) LogValue() slog.Value {
	var attrs []slog.Attr
	if c.URL != "" {
		attrs = append(attrs, slog.String("url", redact.URL(c.URL)))
	}
	if c.Store != nil {
		attrs = append(attrs, slog.String("store", fmt.Sprintf("%T", c.Store)))
	}
	if c.Lease != 0 {
		attrs = append(attrs, slog.String("lease", c.leaseText()))
	}
	if c.Prefix != "" {
		attrs = append(attrs, slog.String("prefix", redact.Text(c.Prefix)))
	}
	return slog.GroupValue(attrs...)
}

// printable has the aliases by names that may be shown.
func (as Aliases) printable() map[string]Config {
	if as == nil {
		return nil
	}
	shown := make(map[string]Config, len(as))
	for name, c := range as {
		shown[redact.Name(name)] = c
	}
	return shown
}

// String returns the aliases in the order of their names, without secrets.
func (as Aliases) String() string {
	var parts []string
	shown := as.printable()
	for _, name := range slices.Sorted(maps.Keys(shown)) {
		parts = append(parts, name+":"+shown[name].String())
	}
	return "map[" + strings.Join(parts, " ") + "]"
}

// GoString returns what String does, as fmt's %#v prints a map.
func (as Aliases) GoString() string {
	if as == nil {
		return "concurrent.Aliases(nil)"
	}
	var parts []string
	shown := as.printable()
	for _, name := range slices.Sorted(maps.Keys(shown)) {
		parts = append(parts, strconv.Quote(name)+":"+shown[name].GoString())
	}
	return "concurrent.Aliases{" + strings.Join(parts, ", ") + "}"
}

// Format writes what String returns for every verb, and what GoString returns
// for %#v.
func (as Aliases) Format(f fmt.State, verb rune) { format(f, verb, as) }

// LogValue returns a group of the aliases, without secrets.
func (as Aliases) LogValue() slog.Value {
	shown := as.printable()
	attrs := make([]slog.Attr, 0, len(shown))
	for _, name := range slices.Sorted(maps.Keys(shown)) {
		attrs = append(attrs, slog.Any(name, shown[name]))
	}
	return slog.GroupValue(attrs...)
}
