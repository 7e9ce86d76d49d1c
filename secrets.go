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
	urls     []string // shown as redact has them
	public   string   // what a URL may show
	anywhere []string // hidden wherever they stand
	quoted   []string // hidden only where a URL, an assignment or a quotation has them
}

// secretsOf finds the secrets of raw, which u was parsed from. It looks at the
// text as redact does: url.Parse finds no password where a "?" or a "/" in it
// was not encoded.
func secretsOf(raw string, u *url.URL) secrets {
	s := secrets{urls: []string{raw, u.String()}}
	s.public = u.Scheme + " " + u.User.Username() + " " + u.Host + " " + u.Path
	if password, ok := u.User.Password(); ok {
		s.add(password)
	}
	_, rest, _ := strings.Cut(raw, ":")
	if at := strings.LastIndexByte(rest, '@'); at >= 0 {
		_, password, _ := strings.Cut(rest[:at], ":")
		s.add(password)
	}
	_, query, _ := strings.Cut(raw, "?")
	for param := range strings.FieldsFuncSeq(query, func(c rune) bool { return strings.ContainsRune(separators, c) }) {
		if last := strings.LastIndexByte(param, '='); last >= 0 && secretName(param[:last]) {
			_, value, _ := strings.Cut(param, "=")
			s.add(value)
			s.add(param[last+1:])
		}
	}
	return s
}

// add has a secret hidden as it was written, decoded, and encoded.
func (s *secrets) add(written string) {
	texts := []string{written}
	for _, decode := range []func(string) (string, error){url.QueryUnescape, url.PathUnescape} {
		if plain, err := decode(written); err == nil {
			texts = append(texts, plain, url.QueryEscape(plain), url.PathEscape(plain), url.UserPassword("", plain).String()[1:])
		}
	}
	for _, text := range texts {
		switch {
		case text == "":
		case len(text) < 4 || strings.Contains(s.public, text):
			// Hiding every "a", or every "redis", would tell the password to
			// whoever can spell.
			s.quoted = append(s.quoted, text)
		default:
			s.anywhere = append(s.anywhere, text)
		}
	}
}

func (s *secrets) hide(text string) string {
	for _, u := range s.urls {
		text = strings.ReplaceAll(text, u, redact(u))
	}
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
func (s *secrets) scrub(err error) error {
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
