package concurrent

import (
	"net/url"
	"strings"
)

// hidden stands where a secret was.
const hidden = "***"

// redact returns raw without what may be secret in it, for errors and logs. It
// works on the text, so that it also works on what is no URL: what stands
// before the last "@" is the userinfo, whatever url.Parse makes of a password
// with a slash in it.
func redact(raw string) string {
	scheme, rest, ok := strings.Cut(raw, "://")
	if ok {
		scheme += "://"
	} else {
		scheme, rest = schemeOf(raw)
	}
	if i := strings.LastIndexByte(rest, '@'); i >= 0 {
		rest = hidden + rest[i:]
	} else {
		rest = redactPort(rest)
	}
	rest, _, fragment := strings.Cut(rest, "#")
	rest, query, ok := strings.Cut(rest, "?")
	if ok {
		rest += "?" + redactQuery(query)
	}
	if fragment {
		rest += "#" + hidden
	}
	return scheme + rest
}

// schemeOf splits a URL without "//", such as a mistyped one.
func schemeOf(raw string) (scheme, rest string) {
	if before, after, ok := strings.Cut(raw, ":"); ok && validScheme(strings.ToLower(before)) {
		return before + ":", after
	}
	return "", raw
}

// redactPort hides what stands for a port and is none: the password of a URL
// whose host was forgotten.
func redactPort(rest string) string {
	end := strings.IndexAny(rest, "/?#")
	if end < 0 {
		end = len(rest)
	}
	i := strings.IndexByte(rest[:end], ':')
	if i < 0 || strings.HasPrefix(rest, "[") || strings.Trim(rest[i+1:end], "0123456789") == "" {
		return rest
	}
	return rest[:i+1] + hidden + rest[end:]
}

// separators end a parameter of a query, well-formed or not.
const separators = "&;?"

// redactQuery hides the values of parameters that look like secrets, also in a
// query that is malformed: whatever stands before the last "=" of a parameter
// counts as its name.
func redactQuery(query string) string {
	var b strings.Builder
	for query != "" {
		end := strings.IndexAny(query, separators)
		if end < 0 {
			end = len(query)
		}
		param := query[:end]
		if last := strings.LastIndexByte(param, '='); last >= 0 && secretName(param[:last]) {
			name, _, _ := strings.Cut(param, "=")
			param = name + "=" + hidden
		}
		b.WriteString(param)
		if end < len(query) {
			b.WriteByte(query[end])
			end++
		}
		query = query[end:]
	}
	return b.String()
}

// secretName reports whether a query parameter of that name looks like one
// whose value is secret.
func secretName(name string) bool {
	if plain, err := url.QueryUnescape(name); err == nil {
		name = plain
	}
	name = strings.ToLower(name)
	for _, word := range [...]string{"pass", "pwd", "secret", "token", "auth", "cred", "key", "sig"} {
		if strings.Contains(name, word) {
			return true
		}
	}
	return false
}
