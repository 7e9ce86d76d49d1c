package concurrent

import (
	"errors"
	"net/url"
	"strings"
)

// secrets is what errors must not show of one URL. Drivers promise that theirs
// don't; many client libraries quote a whole URL in theirs, so that it is seen
// to here for every driver.
type secrets struct {
	anywhere []string // hidden wherever they stand
	quoted   []string // hidden only where a URL, an assignment or a quotation has them
}

func secretsOf(u *url.URL) secrets {
	var s secrets
	public := u.Scheme + " " + u.User.Username() + " " + u.Host + " " + u.Path
	add := func(plain string) {
		for _, text := range []string{plain, url.QueryEscape(plain), url.PathEscape(plain)} {
			switch {
			case text == "":
			case len(text) < 4 || strings.Contains(public, text):
				// Hiding every "a", or every "redis", would tell the password to
				// whoever can spell.
				s.quoted = append(s.quoted, text)
			default:
				s.anywhere = append(s.anywhere, text)
			}
		}
	}
	if password, ok := u.User.Password(); ok {
		add(password)
		_, written, _ := strings.Cut(u.User.String(), ":")
		add(written)
	}
	for name, values := range u.Query() {
		if secretName(name) {
			for _, v := range values {
				add(v)
			}
		}
	}
	return s
}

func (s secrets) hide(text string) string {
	for _, secret := range s.anywhere {
		text = strings.ReplaceAll(text, secret, hidden)
	}
	for _, secret := range s.quoted {
		for _, before := range []string{":", "=", `"`, "'", "`"} {
			text = strings.ReplaceAll(text, before+secret, before+hidden)
		}
	}
	return text
}

// scrub returns err if it shows no secret, else an error that matches what err
// matches and says the same without them.
func (s secrets) scrub(err error) error {
	if err == nil {
		return nil
	}
	text := err.Error()
	if clean := s.hide(text); clean != text {
		return &scrubbed{text: clean, is: func(target error) bool { return errors.Is(err, target) }}
	}
	return err
}

// scrubbed has no way back to the error that it was made from, not even for
// %#v.
type scrubbed struct {
	text string
	is   func(error) bool
}

func (e *scrubbed) Error() string        { return e.text }
func (e *scrubbed) Is(target error) bool { return e.is(target) }
