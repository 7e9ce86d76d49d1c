// Package redact keeps secrets out of what is printed: of URLs, of texts that
// stand where a name belongs, and of errors.
package redact

import (
	"strconv"
	"strings"
)

// Mask stands where a secret was.
const Mask = "***"

// MaxName is the length of the longest name, in bytes.
const MaxName = 64

// ValidName reports whether s can be the name of an alias: 1 to MaxName
// letters, digits, "-", "_" and ".".
func ValidName(s string) bool {
	return s != "" && len(s) <= MaxName && madeOf(s, "-_.")
}

// Name returns s if it is a name, else only how long it is: who confuses the
// arguments passes a URL, with its password, for a name. "" stays "".
func Name(s string) string { return unless(s == "" || ValidName(s), s, "not a name") }

// Quoted returns Name of s, in quotation marks if it is s.
func Quoted(s string) string {
	if name := Name(s); name != s || s != "" && !ValidName(s) {
		return name
	}
	return strconv.Quote(s)
}

// Text returns s unless it looks like a URL, a connection text or a user with
// a password: then it returns only how long s is.
func Text(s string) string {
	return unless(!strings.Contains(s, "://") && !strings.ContainsAny(s, "@="), s, "not shown")
}

// unless returns s if it may be shown, else a notice of what is wrong with it.
// A notice is itself again: what was printed, read and printed stays the same.
func unless(shown bool, s, wrong string) string {
	if shown || isNotice(s, wrong) {
		return s
	}
	unit := " bytes)"
	if len(s) == 1 {
		unit = " byte)"
	}
	return "(" + wrong + ": " + strconv.Itoa(len(s)) + unit
}

func isNotice(s, wrong string) bool {
	rest, ok := strings.CutPrefix(s, "("+wrong+": ")
	number, unit, _ := strings.Cut(rest, " ")
	return ok && (unit == "bytes)" || unit == "byte)") && len(number) <= 7 && strings.Trim(number, digits) == "" && number != ""
}

const digits = "0123456789"

// madeOf reports whether s has nothing but ASCII letters, digits and others.
func madeOf(s, others string) bool {
	for _, c := range s {
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', strings.ContainsRune(others, c):
		default:
			return false
		}
	}
	return true
}
