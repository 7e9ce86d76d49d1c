package redact

import (
	"strconv"
	"strings"
)

// longestValue is the length of the longest value of a parameter that is
// shown: longer ones are keys and tokens more often than settings.
const longestValue = 32

// harmless reports whether a parameter of a query can be shown. What is
// percent-encoded can't: it can hold anything, encoded once more.
func harmless(name, value string) bool {
	return plainName(name) && !secretWord(name) && !secretWord(value) && len(value) <= longestValue &&
		(madeOf(value, "-_./") || plainHosts(value))
}

func plainName(name string) bool { return len(name) <= longestValue && madeOf(name, "-_.") }

// plainPath reports whether a path has nothing in it that separates names from
// values, or is encoded.
func plainPath(path string) bool { return madeOf(path, "/-_.~+${}") && !secretWord(path) }

// plainHosts reports whether a text is nothing but hosts, separated by commas,
// with or without ports. A port without a host is more likely a password.
func plainHosts(hosts string) bool {
	if hosts == "" {
		return true
	}
	for host := range strings.SplitSeq(hosts, ",") {
		if colon := strings.LastIndexByte(host, ':'); colon > strings.LastIndexByte(host, ']') {
			if !plainPort(host[colon+1:]) || colon == 0 {
				return false
			}
			host = host[:colon]
		}
		if inner, ok := strings.CutPrefix(host, "["); ok {
			host = strings.ReplaceAll(strings.TrimSuffix(inner, "]"), ":", "")
		}
		if !madeOf(host, "-_.") {
			return false
		}
	}
	return true
}

func plainPort(port string) bool {
	_, err := strconv.ParseUint(port, 10, 16)
	return err == nil && len(port) <= len("65535")
}

// secretWord reports whether a text has a word in it that goes with secrets. It
// would rather hide too much.
func secretWord(text string) bool {
	text = strings.ToLower(text)
	for _, word := range [...]string{
		"pass", "pwd", "pw", "psk", "secret", "token", "auth", "cred", "key", "sig", "priv", "jwt", "bearer", "sas",
	} {
		if strings.Contains(text, word) {
			return true
		}
	}
	return false
}
