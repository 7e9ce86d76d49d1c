package concurrent

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/concurrent-go/concurrent/internal/envurl"
	"github.com/concurrent-go/concurrent/internal/redact"
	"github.com/concurrent-go/concurrent/internal/spelling"
)

// maxJSON is the size of the largest configuration that is read, in bytes.
const maxJSON = 1 << 20

// configFields are the fields of a Config in JSON.
var configFields = []string{"url", "lease", "prefix"}

// UnmarshalJSON reads an object of aliases, at most 1 MiB long:
//
//	{"locks": {"url": "redis://app:${REDIS_PASSWORD}@db:6379/0", "lease": "30s", "prefix": "billing:"}}
//
// ${NAME} in a URL is replaced by the environment variable NAME, which must be
// set. In the user, the password and the query its value is percent-encoded,
// so that it can be any text; a value that is encoded already must not stand
// there. Elsewhere it is inserted as it is, so that ${REDIS_URL} can be a whole
// URL. $${ stands for ${ itself.
//
// A field that is not known, an alias or a field that is there twice, a
// variable that is not set, and anything after the object are an error that
// matches ErrInvalidConfig. On success as is replaced as a whole, on an error
// it is left as it was. null changes nothing.
func (as *Aliases) UnmarshalJSON(data []byte) error {
	if len(data) > maxJSON {
		return invalid("JSON of %d bytes; at most %d are read", len(data), maxJSON)
	}
	if isNull(data) {
		return nil
	}
	read := make(Aliases)
	err := eachField(data, `{"default": {"url": "memory://"}}`, func(alias string, value json.RawMessage) error {
		if _, twice := read[alias]; twice {
			return fmt.Errorf("alias %s is there twice; give one of them another name", redact.Quoted(alias))
		}
		c, err := parseConfig(value)
		if err != nil {
			return fmt.Errorf("alias %s: %w", redact.Quoted(alias), err)
		}
		read[alias] = c
		return nil
	})
	if err != nil {
		return invalid("aliases: %w", err)
	}
	*as = read
	return nil
}

// UnmarshalJSON reads one alias's configuration, as Aliases.UnmarshalJSON does.
func (c *Config) UnmarshalJSON(data []byte) error {
	if len(data) > maxJSON {
		return invalid("JSON of %d bytes; at most %d are read", len(data), maxJSON)
	}
	if isNull(data) {
		return nil
	}
	read, err := parseConfig(data)
	if err != nil {
		return invalid("%w", err)
	}
	*c = read
	return nil
}

func isNull(data []byte) bool { return string(bytes.Trim(data, " \t\r\n")) == "null" }

// parseConfig reads one Config. Names of fields are matched in any case, as
// encoding/json does.
func parseConfig(data []byte) (Config, error) {
	var c Config
	seen := make(map[string]bool)
	err := eachField(data, `{"url": "memory://"}`, func(written string, value json.RawMessage) error {
		field := strings.ToLower(written)
		if !slices.Contains(configFields, field) {
			return fmt.Errorf("unknown field %s; known are %s%s", redact.Quoted(written),
				strings.Join(configFields, ", "), spelling.Hint(written, configFields))
		}
		if seen[field] {
			return fmt.Errorf("field %q is there twice", field)
		}
		seen[field] = true
		var err error
		switch field {
		case "url":
			c.URL, err = parseURLField(value)
		case "lease":
			c.Lease, err = parseLeaseField(value)
		case "prefix":
			c.Prefix, err = text(field, value)
		}
		return err
	})
	return c, err
}

// eachField calls visit for each field of a JSON object, in order. example is
// one that would be right.
func eachField(data []byte, example string, visit func(name string, value json.RawMessage) error) error {
	d := json.NewDecoder(bytes.NewReader(data))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return fmt.Errorf("not a JSON object; write %s", example)
	}
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return notJSON(d)
		}
		var value json.RawMessage
		if err := d.Decode(&value); err != nil {
			return notJSON(d)
		}
		if err := visit(name.(string), value); err != nil {
			return err
		}
	}
	if _, err := d.Token(); err != nil {
		return notJSON(d)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return fmt.Errorf("there is more after the object, at byte %d", d.InputOffset())
	}
	return nil
}

// notJSON says where, and not what: it may be a part of a password.
func notJSON(d *json.Decoder) error {
	return fmt.Errorf("not valid JSON after byte %d", d.InputOffset())
}

func text(field string, value json.RawMessage) (string, error) {
	var s *string
	if err := json.Unmarshal(value, &s); err != nil || s == nil {
		return "", fmt.Errorf("field %q must be a string", field)
	}
	return *s, nil
}

func parseURLField(value json.RawMessage) (string, error) {
	raw, err := text("url", value)
	if err != nil {
		return "", err
	}
	expanded, err := envurl.Expand(raw)
	if err != nil {
		return "", fmt.Errorf(`field "url": %w`, err)
	}
	return expanded, nil
}

func parseLeaseField(value json.RawMessage) (time.Duration, error) {
	written, err := text("lease", value)
	if err != nil {
		return 0, fmt.Errorf(`field "lease" must be a string with a unit, such as "30s", or "forever"`)
	}
	d, err := parseLease(written)
	if err != nil {
		return 0, fmt.Errorf(`field "lease" %w`, err)
	}
	return d, nil
}

// MarshalJSON writes c without its secrets and without its Store. A URL that
// had secrets can't be configured again.
func (c Config) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		URL    string `json:"url,omitempty"`
		Lease  string `json:"lease,omitempty"`
		Prefix string `json:"prefix,omitempty"`
	}{strings.ReplaceAll(redact.URL(c.URL), "${", "$${"), c.leaseText(), redact.Text(c.Prefix)})
}

// MarshalJSON writes the Configs without their secrets, and no name that is
// none.
func (as Aliases) MarshalJSON() ([]byte, error) { return json.Marshal(as.printable()) }
