package concurrent

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/concurrent-go/concurrent/driver"
)

// maxJSON is the size of the largest configuration that is read.
const maxJSON = 1 << 20

// configJSON is a Config as JSON has it.
type configJSON struct {
	URL    string `json:"url"`
	Lease  string `json:"lease,omitempty"`
	Prefix string `json:"prefix,omitempty"`
}

// UnmarshalJSON reads an object of aliases:
//
//	{"locks": {"url": "redis://app:${REDIS_PASSWORD}@db:6379/0", "lease": "30s", "prefix": "billing:"}}
//
// ${NAME} in a URL is replaced by that environment variable, which must be
// set; before the @ its value is percent-encoded, elsewhere it is taken as it
// is. $${ stands for ${ itself. Fields that are not known, and an alias given
// twice, are ErrInvalidConfig, and leave a as it was.
func (a *Aliases) UnmarshalJSON(data []byte) error {
	if len(data) > maxJSON {
		return fmt.Errorf("%w: JSON of %d bytes is longer than %d", ErrInvalidConfig, len(data), maxJSON)
	}
	d := json.NewDecoder(bytes.NewReader(data))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return fmt.Errorf(`%w: JSON must be an object of aliases, such as {"default": {"url": "memory://"}}`, ErrInvalidConfig)
	}
	read := make(Aliases)
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return invalidJSON(err)
		}
		alias, _ := name.(string)
		var raw json.RawMessage
		if err := d.Decode(&raw); err != nil {
			return invalidJSON(err)
		}
		if _, twice := read[alias]; twice {
			return refuse(alias, "it is there twice")
		}
		c, err := parseConfig(raw)
		if err != nil {
			return fmt.Errorf("%w: alias %q: %w", ErrInvalidConfig, alias, err)
		}
		read[alias] = c
	}
	if _, err := d.Token(); err != nil {
		return invalidJSON(err)
	}
	*a = read
	return nil
}

func invalidJSON(err error) error { return fmt.Errorf("%w: JSON: %w", ErrInvalidConfig, err) }

// UnmarshalJSON reads one alias's configuration, as that of Aliases does.
func (c *Config) UnmarshalJSON(data []byte) error {
	read, err := parseConfig(data)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrInvalidConfig, err)
	}
	*c = read
	return nil
}

func parseConfig(data []byte) (Config, error) {
	var j configJSON
	if err := checkFields(data); err != nil {
		return Config{}, err
	}
	if err := json.Unmarshal(data, &j); err != nil {
		if e, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
			return Config{}, fmt.Errorf("field %q must be text, such as \"30s\" for a lease", e.Field)
		}
		return Config{}, errors.New("it is not valid JSON")
	}
	c := Config{Prefix: j.Prefix}
	var err error
	if c.URL, err = expand(j.URL); err != nil {
		return Config{}, err
	}
	switch j.Lease {
	case "":
	case "forever":
		c.Lease = driver.Forever
	default:
		if c.Lease, err = time.ParseDuration(j.Lease); err != nil || c.Lease <= 0 {
			return Config{}, fmt.Errorf(`lease must be a positive duration such as "30s", or "forever"; is %q`, j.Lease)
		}
	}
	return c, nil
}

// checkFields refuses fields that are not known, or there twice.
func checkFields(data []byte) error {
	d := json.NewDecoder(bytes.NewReader(data))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return errors.New(`it must be an object, such as {"url": "memory://"}`)
	}
	seen := make(map[string]bool)
	for d.More() {
		t, err := d.Token()
		if err != nil {
			return errors.New("it is not valid JSON")
		}
		name, _ := t.(string)
		switch name {
		case "url", "lease", "prefix":
		default:
			return fmt.Errorf("unknown field %q; known are url, lease and prefix", name)
		}
		if seen[name] {
			return fmt.Errorf("field %q is there twice", name)
		}
		seen[name] = true
		var skip json.RawMessage
		if err := d.Decode(&skip); err != nil {
			if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
				return errors.New("it ends in the middle")
			}
			return errors.New("it is not valid JSON")
		}
	}
	return nil
}

// expand replaces ${NAME} in a URL.
func expand(raw string) (string, error) {
	var b strings.Builder
	for rest := raw; ; {
		before, after, found := strings.Cut(rest, "${")
		if !found {
			b.WriteString(rest)
			return b.String(), nil
		}
		if strings.HasSuffix(before, "$") {
			b.WriteString(before + "{")
			rest = after
			continue
		}
		name, tail, closed := strings.Cut(after, "}")
		if !closed || name == "" {
			return "", errors.New("url has ${ without a name and }; write $${ for ${ itself")
		}
		value, set := os.LookupEnv(name)
		if !set {
			return "", fmt.Errorf("url needs the environment variable %q, which is not set", name)
		}
		if inUser(b.String()+before, tail) {
			value = url.QueryEscape(value)
			value = strings.ReplaceAll(value, "+", "%20")
		}
		b.WriteString(before + value)
		rest = tail
	}
}

// inUser reports whether the place between before and after is in the user
// name or password of a URL.
func inUser(before, after string) bool {
	_, authority, ok := strings.Cut(before, "://")
	if !ok || strings.ContainsAny(authority, "/?#@") {
		return false
	}
	end := strings.IndexAny(after, "/?#")
	if end < 0 {
		end = len(after)
	}
	return strings.Contains(after[:end], "@")
}

// MarshalJSON writes c as UnmarshalJSON reads it, but without the password.
func (c Config) MarshalJSON() ([]byte, error) {
	j := configJSON{URL: redact(c.URL), Prefix: c.Prefix}
	if c.URL == "" {
		j.URL = ""
	}
	if c.Lease != 0 {
		j.Lease = leaseText(c.Lease)
	}
	return json.Marshal(j)
}

func leaseText(d time.Duration) string {
	if d == driver.Forever {
		return "forever"
	}
	return d.String()
}
