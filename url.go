package concurrent

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/concurrent-go/concurrent/driver"
)

// connectorOf checks a URL and has its driver check it. No error shows a
// secret of it; the secrets are for those that come later.
func connectorOf(name, raw string) (driver.Connector, secrets, error) {
	u, err := parseURL(raw)
	if err != nil {
		return nil, secrets{}, fmt.Errorf("%w: alias %q: %w", ErrInvalidConfig, name, err)
	}
	d, err := findDriver(u.Scheme)
	if err != nil {
		return nil, secrets{}, fmt.Errorf("alias %q: %w", name, err)
	}
	s := secretsOf(raw, u)
	c, err := d.Connector(u)
	switch {
	case err != nil:
		return nil, secrets{}, fmt.Errorf("%w: alias %q: URL %q: %w", ErrInvalidConfig, name, redact(raw), s.scrub(err))
	case c == nil:
		return nil, secrets{}, invalid("alias %q: the driver of %q returned neither a connector nor an error", name, u.Scheme)
	}
	return c, s, nil
}

// parseURL is url.Parse with errors that say what is wrong, never with the
// text that is.
func parseURL(raw string) (*url.URL, error) {
	u, err := url.Parse(raw)
	switch {
	case err != nil:
		return nil, fmt.Errorf("URL %q %s", redact(raw), flaw(err))
	case u.Scheme == "":
		return nil, fmt.Errorf(`URL %q has no scheme; write one, as in "memory://"`, redact(raw))
	case strings.Contains(raw, "#"):
		return nil, fmt.Errorf("URL %q has a fragment, which means nothing here; write a # in a password as %%23", redact(raw))
	case printed(u):
		return nil, fmt.Errorf("URL %q was printed with its secrets left out; write them", redact(raw))
	}
	return u, nil
}

// printed reports whether u is what redact returned for a URL with secrets.
func printed(u *url.URL) bool {
	if u.User.Username() == hidden {
		return true
	}
	for name, values := range u.Query() {
		if secretName(name) && slices.Contains(values, hidden) {
			return true
		}
	}
	return false
}

// flaw says what url.Parse found, without the parts that it quotes.
func flaw(err error) string {
	if wrapped, ok := errors.AsType[*url.Error](err); ok {
		err = wrapped.Err
	}
	if _, ok := errors.AsType[url.EscapeError](err); ok {
		return "has a % that is not followed by two hexadecimal digits; write a % itself as %25"
	}
	const encode = "; in a user or password write : / ? # @ and % percent-encoded, as in %40 for @"
	switch text := err.Error(); {
	case strings.Contains(text, "control character"):
		return "contains a control character; is there a line break at its end?"
	case strings.Contains(text, "missing protocol scheme"), strings.Contains(text, "first path segment"):
		return `has no scheme; write one, as in "redis://localhost:6379/0"`
	case strings.Contains(text, "port"):
		return "has a port that is not a number" + encode
	case strings.Contains(text, "userinfo"):
		return "has a user or password with a character that can't stand there" + encode
	}
	return "has a malformed host" + encode
}
