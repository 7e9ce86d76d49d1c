package redact

import (
	"cmp"
	"errors"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// A Redactor takes the secrets of one URL out of errors. Drivers promise that
// theirs show none; many client libraries quote a whole URL in theirs, so that
// it is seen to here for every driver. The zero Redactor knows no secret. It
// is safe for concurrent use.
type Redactor struct {
	urls     []string // shown as URL has them
	public   string   // what a URL may show
	anywhere []string // hidden wherever they stand
	quoted   []string // hidden only where a URL, an assignment or a quotation has them
}

// New returns a Redactor of the URL raw, which u was parsed from.
func New(raw string, u *url.URL) *Redactor {
	r := &Redactor{urls: []string{raw, u.String()}}
	p, _ := split(raw)
	r.public = strings.ToLower(p.scheme)
	user, password, ok := strings.Cut(p.user, ":")
	if ok {
		r.public += " " + u.User.Username()
	} else {
		password = user
	}
	if plainHosts(p.host) {
		r.public += " " + p.host
	}
	if plainPath(p.path) {
		r.public += " " + p.path
	}
	r.addText(password)
	if !plainHosts(p.host) {
		r.addText(p.host)
	}
	if !plainPath(p.path) {
		r.addText(strings.TrimPrefix(p.path, "/"))
	}
	r.addQuery(p.query)
	// The longest first: a shorter one may be a part of it.
	for _, texts := range [][]string{r.anywhere, r.quoted} {
		slices.SortStableFunc(texts, func(a, b string) int { return cmp.Compare(len(b), len(a)) })
	}
	return r
}

func (r *Redactor) addQuery(query string) {
	for param := range strings.SplitSeq(query, "&") {
		name, value, assigned := strings.Cut(param, "=")
		if decoded := decodings(name); !plainName(decoded[len(decoded)-1]) || !assigned && secretWord(name) {
			r.addText(name)
		}
		if assigned && !harmless(name, value) {
			r.addText(value)
		}
	}
}

// separators stand between the assignments of a connection text.
const separators = "&;?, "

// addText has a text hidden that is a secret or has one, and each value that is
// assigned in it.
func (r *Redactor) addText(text string) {
	for _, plain := range decodings(text) {
		r.addSecret(plain)
		for part := range strings.FieldsFuncSeq(plain, func(c rune) bool { return strings.ContainsRune(separators, c) }) {
			if _, value, assigned := strings.Cut(part, "="); assigned {
				r.addSecret(value)
				r.addSecret(value[strings.LastIndexByte(value, '=')+1:])
			}
		}
	}
}

// addSecret has a secret hidden as it is, and encoded in the usual ways.
func (r *Redactor) addSecret(secret string) {
	for _, text := range []string{
		secret, url.QueryEscape(secret), url.PathEscape(secret), url.UserPassword("", secret).String()[1:],
		unquoted(strconv.Quote(secret)), unquoted(strconv.QuoteToASCII(secret)),
	} {
		switch {
		case text == "" || slices.Contains(r.anywhere, text) || slices.Contains(r.quoted, text):
		case len(text) < 4 || strings.Contains(r.public, text):
			// Hiding every "a", or every "redis", would tell the password to
			// whoever can spell.
			r.quoted = append(r.quoted, text)
		default:
			r.anywhere = append(r.anywhere, text)
		}
	}
}

func unquoted(s string) string { return s[1 : len(s)-1] }

// decodings returns text, and what percent-decoding makes of it, again and
// again.
func decodings(text string) []string {
	all := []string{text}
	for range 4 {
		last := all[len(all)-1]
		for _, decode := range []func(string) (string, error){url.PathUnescape, url.QueryUnescape} {
			if plain, err := decode(last); err == nil && !slices.Contains(all, plain) {
				all = append(all, plain)
			}
		}
	}
	return all
}

// Text returns text without the secrets.
func (r *Redactor) Text(text string) string {
	for _, u := range r.urls {
		text = strings.ReplaceAll(text, u, URL(u))
	}
	for _, secret := range r.anywhere {
		text = strings.ReplaceAll(text, secret, Mask)
	}
	for _, secret := range r.quoted {
		for _, before := range []string{":", "=", `"`, "'", "`"} {
			text = strings.ReplaceAll(text, before+secret, before+Mask)
		}
	}
	return text
}

// Error returns err if neither it nor an error in it shows a secret, else an
// error that matches what err matches and says the same without them.
func (r *Redactor) Error(err error) error {
	if err == nil || !r.shownBy(err) {
		return err
	}
	return &redacted{text: r.Text(err.Error()), is: func(target error) bool { return errors.Is(err, target) }}
}

// shownBy reports whether err, or what is wrapped in it, shows a secret.
func (r *Redactor) shownBy(err error) bool {
	if text := err.Error(); r.Text(text) != text {
		return true
	}
	switch e := err.(type) { //nolint:errorlint // each error of the tree is looked at
	case interface{ Unwrap() error }:
		inner := e.Unwrap()
		return inner != nil && r.shownBy(inner)
	case interface{ Unwrap() []error }:
		return slices.ContainsFunc(e.Unwrap(), func(inner error) bool { return inner != nil && r.shownBy(inner) })
	}
	return false
}

// redacted has no way back to the error that it was made from, not even for
// %#v.
type redacted struct {
	text string
	is   func(error) bool
}

func (e *redacted) Error() string        { return e.text }
func (e *redacted) Is(target error) bool { return e.is(target) }
