package concurrent

import (
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/concurrent-go/concurrent/internal/redact"
)

// connect checks a URL and has its driver check it. No error shows a secret of
// it, nor do those that come later and went through a.scrub.
func (a *alias) connect(raw string) error {
	u, err := parseURL(raw)
	if err != nil {
		return invalid("alias %q: %w", a.name, err)
	}
	d, err := findDriver(u.Scheme)
	if err != nil {
		return fmt.Errorf("alias %q: %w", a.name, err)
	}
	a.origin = fmt.Sprintf("the driver of %q", u.Scheme)
	redactor := redact.New(raw, u)
	a.scrub = redactor.Error
	err = a.guard(func() (err error) {
		a.connector, err = d.Connector(u)
		return err
	})
	switch {
	case err != nil:
		return invalid("alias %q: URL %q: %w", a.name, redact.URL(raw), a.scrub(err))
	case a.connector == nil:
		return invalid("alias %q: %s returned neither a connector nor an error", a.name, a.origin)
	}
	return nil
}

// parseURL is url.Parse with errors that say what is wrong, never with the
// text that is.
func parseURL(raw string) (*url.URL, error) {
	if _, _, ok := redact.Scheme(raw); !ok {
		return nil, fmt.Errorf(`URL of %d bytes has no scheme and "://" at its beginning; write them, as in "redis://localhost:6379/0", "memory://", or "file:///dir" with a path that is not relative`, len(raw))
	}
	u, err := url.Parse(raw)
	switch {
	case strings.Contains(raw, redact.Mask):
		return nil, fmt.Errorf("URL %q was printed with its secrets left out; write them, and a * itself as %%2A", redact.URL(raw))
	case err != nil:
		return nil, fmt.Errorf("URL %q %s", redact.URL(raw), parseReason(err))
	case strings.Contains(raw, "#"):
		return nil, fmt.Errorf("URL %q has a fragment, which means nothing here; write a # in a password as %%23", redact.URL(raw))
	case redact.StrayAt(raw):
		return nil, fmt.Errorf("URL %q has an @ behind what would be its host; is there a / or ? in the password? Write / as %%2F, ? as %%3F and @ as %%40", redact.URL(raw))
	}
	return u, nil
}

// parseReason says what url.Parse found, without the parts that it quotes.
func parseReason(err error) string {
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
	case strings.Contains(text, "port"):
		return "has a port that is not a number" + encode
	case strings.Contains(text, "userinfo"):
		return "has a user or password with a character that can't stand there" + encode
	}
	return "has a malformed host" + encode
}
