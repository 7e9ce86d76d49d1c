// Package envurl replaces variables in URLs by what the environment has for them.
package envurl

import (
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"
)

// Expand replaces each ${NAME} in a URL by the environment variable's value:
// percent-encoded in the user, the password and the query, else as it is. $${
// becomes ${. Where a value ends up is decided by the text around the
// variables, never by their values. An error quotes names of variables, and
// nothing else of the URL.
func Expand(raw string) (string, error) {
	from, to := userinfo(raw)
	query := strings.IndexByte(raw, '?')
	var b strings.Builder
	for i := 0; i < len(raw); {
		switch rest := raw[i:]; {
		case strings.HasPrefix(rest, "$${"):
			b.WriteString("${")
			i += len("$${")
		case strings.HasPrefix(rest, "${"):
			name, _, closed := strings.Cut(rest[len("${"):], "}")
			if !closed || !validVariable(name) {
				return "", errors.New(`a ${ that no name of an environment variable and } follow; write $${ for ${ itself`)
			}
			value, set := os.LookupEnv(name)
			if !set {
				return "", fmt.Errorf("the environment variable %s is not set", name)
			}
			if from <= i && i < to || 0 <= query && query < i {
				value = encode(value)
			}
			b.WriteString(value)
			i += len("${}") + len(name)
		default:
			b.WriteByte(raw[i])
			i++
		}
	}
	return b.String(), nil
}

// userinfo returns where the user and the password of a URL stand in it.
func userinfo(raw string) (from, to int) {
	scheme, rest, ok := strings.Cut(raw, "://")
	if !ok {
		return 0, 0
	}
	if end := strings.IndexAny(rest, "/?#"); end >= 0 {
		rest = rest[:end]
	}
	at := strings.LastIndexByte(rest, '@')
	if at < 0 {
		return 0, 0
	}
	from = len(scheme) + len("://")
	return from, from + at
}

// encode writes s so that it is itself in a user, a password and a query.
func encode(s string) string {
	return strings.ReplaceAll(url.QueryEscape(s), "+", "%20")
}

func validVariable(name string) bool {
	for i, c := range name {
		switch {
		case c == '_', 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z':
		case i > 0 && '0' <= c && c <= '9':
		default:
			return false
		}
	}
	return name != "" && len(name) <= 256
}
