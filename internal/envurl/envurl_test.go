package envurl

import (
	"strings"
	"testing"
)

func TestExpand(t *testing.T) {
	t.Setenv("TEST_SECRET", "a@:/%?#& +{}é")
	t.Setenv("TEST_HOST", "db.example:6379")
	const encoded = "a%40%3A%2F%25%3F%23%26%20%2B%7B%7D%C3%A9"
	for in, want := range map[string]string{
		"":                                "",
		"redis://u:${TEST_SECRET}@h/0":    "redis://u:" + encoded + "@h/0",
		"redis://${TEST_HOST}/0":          "redis://db.example:6379/0",
		"redis://h?password=${TEST_HOST}": "redis://h?password=db.example%3A6379",
		"file:///$${TEST_HOST}/$HOME/$$":  "file:///${TEST_HOST}/$HOME/$$",
		"${TEST_HOST}":                    "db.example:6379",
	} {
		if got, err := Expand(in); err != nil || got != want {
			t.Errorf("Expand(%q) = %q, %v, want %q", in, got, err, want)
		}
	}
}

func TestExpandRefuses(t *testing.T) {
	for in, want := range map[string]string{
		"redis://u:s3cr3t@${TEST_UNSET}": "TEST_UNSET is not set",
		"redis://u:s3cr3t@${":            "write $${",
		"redis://u:s3cr3t@${}":           "write $${",
		"redis://u:${1s3cr3t}@h":         "write $${",
		"redis://u:${s3cr3t@h}":          "write $${",
	} {
		_, err := Expand(in)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "s3cr3t") {
			t.Errorf("Expand(%q) = %v, want an error with %q", in, err, want)
		}
	}
}
