package redact

import (
	"net/url"
	"strings"
)

// URL returns raw without what may be secret in it, for errors and logs. What
// has no valid scheme and "://" at its beginning is not shown at all, only its
// length. From the first part on that is in doubt nothing is shown: a password
// with a "/", "?" or "&" that was not encoded goes on behind it.
func URL(raw string) string {
	p, ok := split(raw)
	if !ok {
		return unless(raw == "", raw, "not a URL")
	}
	return p.shown()
}

// Scheme returns what stands before the first "://", if it is a scheme, in
// whatever case, and what stands behind.
func Scheme(raw string) (scheme, rest string, ok bool) {
	scheme, rest, ok = strings.Cut(raw, "://")
	if !ok || scheme == "" || !madeOf(scheme, "+-.") || strings.ContainsAny(scheme[:1], digits+"+-.") {
		return "", "", false
	}
	return scheme, rest, true
}

// StrayAt reports whether a URL that names a host has an "@" behind it. Most
// likely its password has a "/" or "?" that was not encoded, and what was taken
// for the host is a user.
func StrayAt(raw string) bool {
	_, rest, ok := Scheme(raw)
	end := authority(rest)
	return ok && end > 0 && strings.Contains(rest[end:], "@")
}

// authority returns where the part of a URL ends that names user and host.
func authority(rest string) int {
	if end := strings.IndexAny(rest, "/?#"); end >= 0 {
		return end
	}
	return len(rest)
}

// parts are the parts of a URL, as they are written in it.
type parts struct {
	scheme, user, host, path, query string

	asUser, asQuery bool // there is one, perhaps an empty one
	sound           bool // there is no doubt where the parts begin and end
}

func split(raw string) (parts, bool) {
	scheme, rest, ok := Scheme(raw)
	if !ok {
		return parts{}, false
	}
	p := parts{scheme: scheme}
	end := authority(rest)
	p.host, p.path = rest[:end], rest[end:]
	if at := strings.LastIndexByte(p.host, '@'); at >= 0 {
		p.user, p.host, p.asUser = p.host[:at], p.host[at+1:], true
	}
	p.path, p.query, p.asQuery = strings.Cut(p.path, "?")
	_, err := url.Parse(raw)
	p.sound = err == nil && !strings.Contains(raw, "#") && !strings.Contains(rest[end:], "@")
	return p, true
}

func (p parts) shown() string {
	var b strings.Builder
	b.WriteString(p.scheme + "://")
	if !p.sound {
		return b.String() + Mask
	}
	if p.asUser {
		b.WriteString(Mask + "@")
	}
	switch {
	case !plainHosts(p.host):
		return b.String() + Mask
	case !plainPath(p.path):
		return b.String() + p.host + "/" + Mask
	}
	b.WriteString(p.host + p.path)
	if p.asQuery {
		b.WriteString("?" + shownQuery(p.query))
	}
	return b.String()
}

func shownQuery(query string) string {
	var b strings.Builder
	for i, param := range strings.Split(query, "&") {
		if i > 0 {
			b.WriteByte('&')
		}
		name, value, assigned := strings.Cut(param, "=")
		switch {
		case param == "":
		case !assigned || !plainName(name):
			return b.String() + Mask
		case !harmless(name, value):
			return b.String() + name + "=" + Mask
		}
		b.WriteString(param)
	}
	return b.String()
}
