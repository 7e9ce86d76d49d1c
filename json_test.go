package concurrent_test

import (
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/concurrent-go/concurrent"
	"github.com/concurrent-go/concurrent/driver"
)

func TestAliasesFromJSON(t *testing.T) {
	t.Setenv("TEST_WHOLE", "redis://u:p@h/1")
	const text = `{
		"default": {"url": "memory://"},
		"locks":   {"url": "redis://h/0", "lease": "1m30s", "prefix": "billing:"},
		"endless": {"URL": "${TEST_WHOLE}", "Lease": "forever"}
	}`
	var got concurrent.Aliases
	if err := json.Unmarshal([]byte(text), &got); err != nil {
		t.Fatal(err)
	}
	want := concurrent.Aliases{
		"default": {URL: "memory://"},
		"locks":   {URL: "redis://h/0", Lease: 90 * time.Second, Prefix: "billing:"},
		"endless": {URL: "redis://u:p@h/1", Lease: driver.Forever},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	var c concurrent.Config
	if err := json.Unmarshal([]byte(`{"url": "memory://a"}`), &c); err != nil || c.URL != "memory://a" {
		t.Errorf("a Config alone: %v, %v", c, err)
	}
}

func TestJSONRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		json string
		says []string
	}{
		"a misspelt field":      {`{"a": {"url": "memory://", "perfix": "x"}}`, []string{`alias "a"`, `unknown field "perfix"`, "known are url, lease, prefix", `did you mean "prefix"?`}},
		"a Store":               {`{"a": {"store": {}}}`, []string{`unknown field "store"`}},
		"a field twice":         {`{"a": {"url": "memory://", "url": "memory://b"}}`, []string{`"url" is there twice`}},
		"a field in two cases":  {`{"a": {"url": "memory://", "URL": "memory://b"}}`, []string{`"url" is there twice`}},
		"an alias twice":        {`{"a": {"url": "memory://"}, "a": {"url": "memory://b"}}`, []string{`alias "a" is there twice`}},
		"an array":              {`[]`, []string{"not a JSON object", `{"default": {"url": "memory://"}}`}},
		"a string for an alias": {`{"a": "memory://"}`, []string{`alias "a"`, "not a JSON object"}},
		"null for an alias":     {`{"a": null}`, []string{`alias "a"`, "not a JSON object"}},
		"a URL of another type": {`{"a": {"url": 7}}`, []string{`"url" must be a string`}},
		"a null URL":            {`{"a": {"url": null}}`, []string{`"url" must be a string`}},
		"a numeric lease":       {`{"a": {"lease": 30}}`, []string{`"lease"`, `"30s"`, "forever"}},
		"a lease without unit":  {`{"a": {"lease": "30"}}`, []string{`"lease"`, "without a unit", `"30s"`}},
		"an unset variable":     {`{"a": {"url": "redis://u:${TEST_UNSET}@h"}}`, []string{`alias "a"`, "TEST_UNSET", "not set"}},
		"an open brace":         {`{"a": {"url": "redis://${TEST"}}`, []string{"${", "$${"}},
		"an empty variable":     {`{"a": {"url": "redis://${}"}}`, []string{"$${"}},
		"a strange variable":    {`{"a": {"url": "redis://${A-B}"}}`, []string{"$${"}},
		"too much of it":        {`{"a": {"url": "` + strings.Repeat("x", 1<<20) + `"}}`, []string{"1048576"}},
	} {
		t.Run(name, func(t *testing.T) {
			as := concurrent.Aliases{"kept": {URL: "memory://"}}
			err := json.Unmarshal([]byte(c.json), &as)
			if !errors.Is(err, concurrent.ErrInvalidConfig) {
				t.Fatalf("Unmarshal = %v, want ErrInvalidConfig", err)
			}
			says(t, err, c.says...)
			if len(as) != 1 || as["kept"].URL != "memory://" {
				t.Errorf("a failure left %v", as)
			}
		})
	}
}

// encoding/json has checked the text before it calls UnmarshalJSON; others may
// not have.
func TestUnmarshalJSONRefusesBrokenText(t *testing.T) {
	for _, text := range []string{
		``, `{`, `{"a"`, `{"a":`, `{"a": {"url": "s3cr3t`, `{"a": {"url": "s3cr3t"}`, `{"a": {}} {}`, `{} s3cr3t`, `{s3cr3t}`,
		`{"a": {"url" "s3cr3t"}}`, "null\f",
	} {
		var as concurrent.Aliases
		err := as.UnmarshalJSON([]byte(text))
		if !errors.Is(err, concurrent.ErrInvalidConfig) {
			t.Errorf("UnmarshalJSON(%s) = %v, want ErrInvalidConfig", text, err)
			continue
		}
		showsNot(t, text, err.Error(), "s3cr3t")
		var c concurrent.Config
		if err := c.UnmarshalJSON([]byte(text)); !errors.Is(err, concurrent.ErrInvalidConfig) {
			t.Errorf("Config.UnmarshalJSON(%s) = %v, want ErrInvalidConfig", text, err)
		}
	}
	var c concurrent.Config
	if err := c.UnmarshalJSON([]byte(`{"url": "` + strings.Repeat("x", 1<<20) + `"}`)); !errors.Is(err, concurrent.ErrInvalidConfig) {
		t.Errorf("a long Config = %v", err)
	}
}

func TestNullChangesNothing(t *testing.T) {
	as := concurrent.Aliases{"a": {URL: "memory://"}}
	c := concurrent.Config{URL: "memory://"}
	if err := errors.Join(as.UnmarshalJSON([]byte(" null ")), c.UnmarshalJSON([]byte("null"))); err != nil {
		t.Error(err)
	}
	if len(as) != 1 || c.URL != "memory://" {
		t.Errorf("null left %v and %v", as, c)
	}
}

func TestVariablesInURLs(t *testing.T) {
	t.Setenv("TEST_SECRET", "a@:/%?#& +{}é")
	t.Setenv("TEST_HOST", "db.example:6379")
	t.Setenv("TEST_EMPTY", "")
	t.Setenv("TEST_REC", "${TEST_HOST}")
	const encoded = "a%40%3A%2F%25%3F%23%26%20%2B%7B%7D%C3%A9"
	for in, want := range map[string]string{
		"redis://u:${TEST_SECRET}@h/0":                   "redis://u:" + encoded + "@h/0",
		"redis://${TEST_SECRET}:x@h":                     "redis://" + encoded + ":x@h",
		"redis://u:a${TEST_SECRET}b@${TEST_HOST}":        "redis://u:a" + encoded + "b@db.example:6379",
		"redis://${TEST_HOST}/0":                         "redis://db.example:6379/0",
		"redis://h?password=${TEST_SECRET}&x=1":          "redis://h?password=" + encoded + "&x=1",
		"redis://u:${TEST_EMPTY}@h":                      "redis://u:@h",
		"redis://${TEST_REC}":                            "redis://${TEST_HOST}", // once, not again
		"file:///a/$${TEST_HOST}/$HOME/$$/${TEST_EMPTY}": "file:///a/${TEST_HOST}/$HOME/$$/",
		"redis://a@b:${TEST_SECRET}@h":                   "redis://a@b:" + encoded + "@h",
		"${TEST_HOST}/a@b":                               "db.example:6379/a@b",
	} {
		text, _ := json.Marshal(map[string]string{"url": in})
		var c concurrent.Config
		if err := json.Unmarshal(text, &c); err != nil {
			t.Errorf("%s: %v", in, err)
		} else if c.URL != want {
			t.Errorf("%s became\n\t%s, want\n\t%s", in, c.URL, want)
		}
	}
}

func TestMarshalledConfigIsReadBack(t *testing.T) {
	for _, c := range []concurrent.Config{
		{},
		{URL: "redis://h:6379/0?db=1", Lease: 90 * time.Second, Prefix: "a:"},
		{URL: "file:///a/${b}/$${c}/$", Lease: driver.Forever},
	} {
		text, err := json.Marshal(c)
		if err != nil {
			t.Fatal(err)
		}
		var back concurrent.Config
		if err := json.Unmarshal(text, &back); err != nil || !reflect.DeepEqual(back, c) {
			t.Errorf("%s was read as %v (%v), want %v", text, back, err, c)
		}
	}
	text, _ := json.Marshal(concurrent.Config{Store: newBackend(t).store()})
	if string(text) != "{}" {
		t.Errorf("a Store is in JSON: %s", text)
	}
}
