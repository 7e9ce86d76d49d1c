package concurrent

import (
	"os"
	"strings"
)

const (
	envPrefix = "CONCURRENT_"
	envSuffix = "_URL"
)

// ConfigureEnv configures what the environment names: CONCURRENT_URL is the
// URL of alias "default", and CONCURRENT_<ALIAS>_URL that of the alias in
// lower case, with its underscores: CONCURRENT_BILLING_LOCKS_URL is
// "billing_locks". Variables that are empty count as not set, those that do
// not end in _URL are not looked at. A URL is taken as it stands: nothing is
// replaced in it.
//
// It returns Configure's errors, and one that matches ErrInvalidConfig if no
// such variable is set or two of them name one alias. On an error nothing was
// configured.
func (r *Registry) ConfigureEnv() error {
	as := make(Aliases)
	for _, entry := range os.Environ() {
		name, value, _ := strings.Cut(entry, "=")
		alias, ok := envAlias(name)
		if !ok || value == "" {
			continue
		}
		if !validAlias(alias) {
			return invalid("environment variable %q: %q is no name of an alias; write letters, digits and _ between CONCURRENT_ and _URL",
				shorten(name), shorten(alias))
		}
		if _, taken := as[alias]; taken {
			return invalid("alias %q is configured by two environment variables, one of them %s; unset one", alias, name)
		}
		as[alias] = Config{URL: value}
	}
	if len(as) == 0 {
		return invalid(`the environment names no store; set CONCURRENT_URL for alias "default", such as CONCURRENT_URL=memory://, or CONCURRENT_<ALIAS>_URL`)
	}
	return r.Configure(as)
}

// envAlias returns the alias that an environment variable is for.
func envAlias(name string) (string, bool) {
	if name == envPrefix+"URL" {
		return "default", true
	}
	rest, ok := strings.CutPrefix(name, envPrefix)
	if !ok {
		return "", false
	}
	alias, ok := strings.CutSuffix(rest, envSuffix)
	return strings.ToLower(alias), ok
}
