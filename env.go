package concurrent

import (
	"fmt"
	"os"
	"strings"
)

// ConfigureEnv adds the aliases that environment variables name:
// CONCURRENT_URL is the URL of "default", and CONCURRENT_<ALIAS>_URL that of
// the alias in lower case, so that CONCURRENT_LOCKS_URL is for "locks" and
// CONCURRENT_LOCKS_EU_URL for "locks_eu". With none of them set it is
// ErrInvalidConfig; otherwise it is Configure.
func (r *Registry) ConfigureEnv() error {
	as := make(Aliases)
	for _, entry := range os.Environ() {
		name, value, _ := strings.Cut(entry, "=")
		rest, ok := strings.CutPrefix(name, "CONCURRENT_")
		if !ok {
			continue
		}
		if rest == "URL" {
			as["default"] = Config{URL: value}
		} else if alias, ok := strings.CutSuffix(rest, "_URL"); ok && alias != "" {
			alias = strings.ToLower(alias)
			if _, twice := as[alias]; twice {
				return refuse(alias, "two environment variables name it")
			}
			as[alias] = Config{URL: value}
		}
	}
	if len(as) == 0 {
		return fmt.Errorf("%w: no environment variable names a store; set CONCURRENT_URL for the alias \"default\", "+
			"such as CONCURRENT_URL=memory://, or CONCURRENT_<ALIAS>_URL", ErrInvalidConfig)
	}
	return r.Configure(as)
}
