package concurrent

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/concurrent-go/concurrent/driver"
	"github.com/concurrent-go/concurrent/internal/redact"
)

// DefaultLease is the lease of locks that name none, on an alias that names
// none.
const DefaultLease = 30 * time.Second

const (
	minLease  = time.Millisecond
	maxPrefix = 512
)

// Config says where the locks of one alias are kept, and how. Exactly one of
// URL and Store is set.
//
// Printed with fmt, logged with log/slog or marshalled to JSON, a Config shows
// its URL up to the first part that may be secret: without user and password,
// and without parameters that look like secrets and what comes after them. What
// is no URL is not shown. What was marshalled so is for people to read. A Config
// in an unexported field of another type is out of fmt's reach: it prints such
// fields as they are.
type Config struct {
	// URL names the driver by its scheme, and the store to it. Each driver
	// documents its URLs. In the user and the password, every byte that is not
	// a letter, a digit or one of -._~ is written percent-encoded. A fragment
	// is refused, and so is an "@" behind a host.
	URL string

	// Store, instead of URL, is a store that the program opened itself. It is
	// never closed by this package, and not in JSON.
	Store driver.Store

	// Lease is the lease of locks that name none: DefaultLease if it is 0, else at
	// least a millisecond, though package locks refuses those below five. With
	// driver.Forever such locks never end by themselves. In JSON it is a string such
	// as "30s" or "1m30s", or "forever".
	Lease time.Duration

	// Prefix is put before every key of the alias, to keep apart programs that
	// share a store. At most 512 bytes, without braces: those decide about the
	// slot of a key in a Redis Cluster.
	Prefix string
}

// Aliases gives configurations their names. A name is 1 to 64 letters, digits,
// "-", "_" and ".". Printed, it shows names that are none by their length only:
// a URL may stand there by mistake.
//
// From JSON it is an object of objects with the fields "url", "lease" and
// "prefix"; see Aliases.UnmarshalJSON.
type Aliases map[string]Config

// compile checks every alias, without I/O, and returns what Open needs of
// them, or everything that is wrong with them.
func (as Aliases) compile() (map[string]*alias, error) {
	compiled := make(map[string]*alias, len(as))
	var wrong []error
	for _, name := range slices.Sorted(maps.Keys(as)) {
		a, err := newAlias(name, as[name])
		if err != nil {
			wrong = append(wrong, err)
			continue
		}
		compiled[name] = a
	}
	return compiled, join(wrong...)
}

func newAlias(name string, c Config) (*alias, error) {
	if !redact.ValidName(name) {
		return nil, invalid("alias %s: a name is 1 to %d letters, digits, -, _ and .", redact.Quoted(name), redact.MaxName)
	}
	if err := c.check(name); err != nil {
		return nil, err
	}
	if c.Lease == 0 {
		c.Lease = DefaultLease
	}
	a := &alias{name: name, origin: fmt.Sprintf("the %T", c.Store), config: func() Config { return c }, scrub: asIs}
	if c.Store != nil {
		return a, nil
	}
	return a, a.connect(c.URL)
}

func asIs(err error) error { return err }

// check looks at everything but the URL's content.
func (c Config) check(name string) error {
	switch {
	case c.URL == "" && c.Store == nil:
		return invalid(`alias %q: neither URL nor Store is set; set one, such as URL: "memory://"`, name)
	case c.URL != "" && c.Store != nil:
		return invalid("alias %q: both URL and Store are set; set only one", name)
	case c.Lease < 0:
		return invalid("alias %q: lease %v is negative; write a positive one, or 0 for %v", name, c.Lease, DefaultLease)
	case c.Lease > 0 && c.Lease < minLease:
		return invalid("alias %q: lease %v is shorter than %v; was a unit forgotten, as in 30*time.Second?", name, c.Lease, minLease)
	case len(c.Prefix) > maxPrefix:
		return invalid("alias %q: prefix is %d bytes, at most %d are allowed", name, len(c.Prefix), maxPrefix)
	case strings.ContainsAny(c.Prefix, "{}"):
		return invalid("alias %q: prefix contains a brace, which would move keys between the slots of a Redis Cluster; leave braces out", name)
	}
	return nil
}
