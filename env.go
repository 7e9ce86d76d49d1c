package concurrent

import (
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/concurrent-go/concurrent/internal/redact"
)

const (
	envPrefix    = "CONCURRENT_"
	defaultAlias = "default"
)

// envFields says what the environment sets of a Config, by the ends of its
// variables.
var envFields = map[string]func(c *Config, value string) error{
	"URL": func(c *Config, value string) error {
		c.URL, c.Store = value, nil
		return nil
	},
	"LEASE": func(c *Config, value string) (err error) {
		c.Lease, err = parseLease(value)
		return err
	},
	"PREFIX": func(c *Config, value string) error {
		c.Prefix = value
		return nil
	},
}

// FromEnv puts what the environment says over what as has, field by field:
// CONCURRENT_<ALIAS>_URL, CONCURRENT_<ALIAS>_LEASE and
// CONCURRENT_<ALIAS>_PREFIX are of the alias in lower case, with its
// underscores: CONCURRENT_BILLING_LOCKS_URL is of "billing_locks".
// CONCURRENT_URL, CONCURRENT_LEASE and CONCURRENT_PREFIX are of "default". An
// alias that as has under a name with capitals, "-" or "." is meant too:
// CONCURRENT_BILLING_LOCKS_LEASE sets the lease of "billing-locks".
//
// A URL is taken as it stands: nothing is replaced in it. It also replaces a
// Store. A lease is written as in JSON: "30s", or "forever". Variables that are
// empty count as not set, those that end otherwise are not looked at. Without
// any variable FromEnv changes nothing and returns nil.
//
// It returns an error that matches ErrInvalidConfig, and leaves as unchanged,
// if as is nil, if two variables say the same field of one alias, or if an
// alias or a lease is none. What else is wrong Configure finds.
func (as Aliases) FromEnv() error {
	if as == nil {
		return invalid("FromEnv of nil Aliases, which can't be written to; write as := concurrent.Aliases{} first")
	}
	read := envReading{as: as, changed: maps.Clone(as), setBy: make(map[string]string)}
	entries := os.Environ()
	slices.Sort(entries) // so that of several errors it is always the same
	for _, entry := range entries {
		variable, value, _ := strings.Cut(entry, "=")
		if alias, field, ok := envAlias(variable); ok && value != "" {
			if err := read.set(alias, field, variable, value); err != nil {
				return err
			}
		}
	}
	maps.Copy(as, read.changed)
	return nil
}

// An envReading is one FromEnv.
type envReading struct {
	as      Aliases // as it was
	changed Aliases
	setBy   map[string]string // alias and field → variable
}

func (r *envReading) set(written, field, variable, value string) error {
	alias, err := r.as.meant(written)
	if err != nil {
		return err
	}
	if other, twice := r.setBy[alias+" "+field]; twice {
		return invalid("alias %q: two environment variables set its %s, %s and %s; unset one", alias, strings.ToLower(field), other, variable)
	}
	r.setBy[alias+" "+field] = variable
	c := r.changed[alias]
	if err := envFields[field](&c, value); err != nil {
		return invalid("environment variable %s %w", variable, err)
	}
	r.changed[alias] = c
	return nil
}

// envAlias returns the alias and the field that an environment variable is
// for.
func envAlias(variable string) (alias, field string, ok bool) {
	rest, ok := strings.CutPrefix(variable, envPrefix)
	if !ok {
		return "", "", false
	}
	if _, whole := envFields[rest]; whole {
		return defaultAlias, rest, true
	}
	i := strings.LastIndexByte(rest, '_')
	if i < 0 {
		return "", "", false
	}
	_, known := envFields[rest[i+1:]]
	return strings.ToLower(rest[:i]), rest[i+1:], known
}

// meant returns the alias that a part of a variable's name stands for.
func (as Aliases) meant(written string) (string, error) {
	if !redact.ValidName(written) {
		return "", invalid("environment variable %s<ALIAS>_…: its alias %s is none; write letters, digits and _ there",
			envPrefix, redact.Quoted(written))
	}
	if _, ok := as[written]; ok {
		return written, nil
	}
	var alike []string
	for name := range as {
		if redact.ValidName(name) && envName(name) == envName(written) {
			alike = append(alike, name)
		}
	}
	switch slices.Sort(alike); len(alike) {
	case 0:
		return written, nil
	case 1:
		return alike[0], nil
	}
	return "", invalid("environment variable %s%s_…: aliases %s are all meant; give one another name",
		envPrefix, strings.ToUpper(written), strings.Join(alike, ", "))
}

// envName is how a name is written in the name of a variable, but in lower
// case.
func envName(name string) string {
	return strings.ToLower(strings.NewReplacer("-", "_", ".", "_").Replace(name))
}

// ConfigureEnv configures what the environment names: see [Aliases.FromEnv].
//
// It returns the errors of FromEnv and of Configure, and ErrNoConfig if no
// variable is set. On an error nothing was configured.
func (r *Registry) ConfigureEnv() error {
	if r.load().closed {
		return errShutDown
	}
	as := make(Aliases)
	if err := as.FromEnv(); err != nil {
		return err
	}
	if len(as) == 0 {
		return ErrNoConfig
	}
	return r.Configure(as)
}
