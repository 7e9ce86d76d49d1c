package postgres

import (
	"errors"
	"net/url"
	"strings"
	"testing"

	"github.com/concurrent-go/concurrent/driver"
)

const secret = "s3cret-passw0rd"

func connect(raw string) (*connector, error) {
	u, err := url.Parse(raw)
	if err != nil {
		return nil, err
	}
	c, err := Driver{}.Connector(u)
	if err != nil {
		return nil, err
	}
	return c.(*connector), nil
}

func TestURLsAreTaken(t *testing.T) {
	for raw, want := range map[string]options{
		"postgres://":       {schema: "concurrent", fencing: true},
		"postgresql://h/db": {schema: "concurrent", fencing: true},
		"postgres://u:" + secret + "@h:5432/db?schema=a_1":                            {schema: "a_1", fencing: true},
		"postgres://h/db?fencing=off":                                                 {schema: "concurrent"},
		"postgres://h/db?fencing=on&sslmode=verify-full&sslrootcert=/ca.pem":          {schema: "concurrent", fencing: true},
		"postgres:///db?host=/run/postgresql&port=5433":                               {schema: "concurrent", fencing: true},
		"postgres:///db?host=a,b&port=1,2&target_session_attrs=read-write":            {schema: "concurrent", fencing: true},
		"postgres://h/?dbname=db&password=" + secret + "&options=-c%20work_mem%3D1MB": {schema: "concurrent", fencing: true},
	} {
		c, err := connect(raw)
		if err != nil {
			t.Errorf("%s: %v", raw, err)
			continue
		}
		if c.options.schema != want.schema || c.options.fencing != want.fencing {
			t.Errorf("%s is schema %q, fencing %v, want %q, %v", raw, c.options.schema, c.options.fencing, want.schema, want.fencing)
		}
		for _, name := range ours {
			if strings.Contains(c.address, name+"=") {
				t.Errorf("%s: pgx is given %q too", raw, name)
			}
		}
	}
}

func TestWrongURLsAreRefusedWithWhatIsWrong(t *testing.T) {
	for raw, want := range map[string]string{
		"postgres:h":                                     "no //",
		"postgres://h:bad/db":                            "port",
		"postgres://h:0":                                 "port",
		"postgres://h/a/b":                               "name of a database",
		"postgres://h#part":                              "%23",
		"postgres://h?%zz":                               "malformed query",
		"postgres://h?shcema=a":                          `did you mean "schema"`,
		"postgres://h?Fencing=on":                        `did you mean "fencing"`,
		"postgres://h?ssl_mode=require":                  `did you mean "sslmode"`,
		"postgres://h?qqqqqqqqqqqqq=1":                   "there are application_name",
		"postgres://h?schema=":                           "lower-case letters",
		"postgres://h?schema=A":                          "lower-case letters",
		"postgres://h?schema=1a":                         "lower-case letters",
		"postgres://h?schema=pg_a":                       "lower-case letters",
		"postgres://h?schema=" + strings.Repeat("a", 64): "1 to 63",
		"postgres://h?schema=a%22b":                      "lower-case letters",
		"postgres://h?schema=a&schema=b":                 "more than once",
		"postgres://h?fencing=maybe":                     "on or off",
		"postgres://h?sslmode=verify":                    "verify-ca or verify-full",
		"postgres://h?port=1,x":                          "one for each host",
		"postgres://h?connect_timeout=1s":                "number of seconds",
		"postgres://h?host=":                             "some text",
		"postgres://h?target_session_attrs=standby":      "read-write or primary",
		"postgres://h?idle_session_timeout=1":            "the driver sets it",
		"postgres://h?statement_timeout=1":               "the driver sets it",
		"postgres://h?pool_max_conns=4":                  "no pool",
		"postgres://h?default_query_exec_mode=simple":    "statements of its own",
		"postgres://h?replication=database":              "no locks",
	} {
		for _, with := range []string{raw, strings.Replace(raw, "://", "://user:"+secret+"@", 1)} {
			u, err := url.Parse(with)
			if err != nil { // url.Parse refuses the port, which a caller may still make
				u = &url.URL{Scheme: "postgres", Host: "h:bad", User: url.UserPassword("user", secret)}
			}
			_, err = Driver{}.Connector(u)
			switch {
			case err == nil:
				t.Errorf("%s is taken, want an error about %s", with, want)
			case strings.Contains(err.Error(), secret):
				t.Errorf("%s: %q shows the password", with, err)
			case !strings.Contains(err.Error(), want):
				t.Errorf("%s: %q, want it to say %q", with, err, want)
			}
		}
	}
}

func TestFilesAreReadWhenOpened(t *testing.T) {
	c, err := connect("postgres://user:" + secret + "@localhost:1/db?sslmode=verify-full&sslrootcert=" + t.TempDir() + "/none.pem")
	if err != nil {
		t.Fatal(err)
	}
	s, err := c.Open(t.Context())
	if s != nil || !errors.Is(err, driver.ErrUnavailable) || strings.Contains(err.Error(), secret) || !strings.Contains(err.Error(), "none.pem") {
		t.Errorf("a file that is not there: %v, %v; want ErrUnavailable that names it", s, err)
	}
}

func TestConnectorsPrintNothingOfTheURL(t *testing.T) {
	c, err := connect("postgres://user:" + secret + "@h")
	if err != nil {
		t.Fatal(err)
	}
	if text := c.String() + c.GoString(); strings.Contains(text, secret) {
		t.Errorf("printed: %s", text)
	}
}

func FuzzURL(f *testing.F) {
	for _, raw := range []string{
		"postgres://u:" + secret + "@h:1/db?schema=a", "postgresql://h?host=a,b&port=1,2", "postgres:///?passfile=/x",
		"postgres://h?password=" + secret, "postgres://[::1%25z]", "postgres://h?fencing=" + secret,
	} {
		f.Add(raw)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		u, err := url.Parse(raw)
		if err != nil {
			return
		}
		_, err = Driver{}.Connector(u)
		if err == nil {
			return
		}
		password, _ := u.User.Password()
		for _, hidden := range append(u.Query()["password"], password) {
			if len(hidden) > 8 && strings.Contains(err.Error(), hidden) && !strings.Contains(u.RawQuery, hidden+"=") {
				t.Errorf("%q: %q shows a password", raw, err)
			}
		}
	})
}
