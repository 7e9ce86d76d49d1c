package postgres

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/concurrent-go/concurrent/driver"
)

var schemes = []string{"postgres", "postgresql"}

// Driver is the driver.Driver of the schemes postgres and postgresql. It takes
// the URLs that the documentation of the package shows.
type Driver struct{}

// Connector checks u. It reads no files: those that parameters name, and pgx's
// own (.pgpass, pg_service.conf), are read by Open.
func (Driver) Connector(u *url.URL) (driver.Connector, error) {
	c, err := connectorOf(u)
	if err != nil {
		return nil, fmt.Errorf("postgres: %w; write postgres://user:password@host:port/database?parameter=value", err)
	}
	return c, nil
}

// A connector opens stores of one URL.
type connector struct {
	address string // without our parameters, for pgx
	place   string // for people to read
	options options
	secrets secrets
}

func connectorOf(u *url.URL) (*connector, error) {
	query, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return nil, errors.New("the URL has a malformed query")
	}
	if err := checkURL(u); err != nil {
		return nil, err
	}
	if err := checkParameters(query); err != nil {
		return nil, err
	}
	c := &connector{options: defaults(), place: u.Host + u.Path}
	if query.Has("schema") {
		c.options.schema = query.Get("schema")
	}
	c.options.fencing = query.Get("fencing") != "off"
	password, _ := u.User.Password()
	c.secrets = secretsOf(password, query.Get("password"), query.Get("sslpassword"))
	for _, name := range ours {
		query.Del(name)
	}
	theirs := *u
	theirs.RawQuery = query.Encode()
	c.address = theirs.String()
	return c, nil
}

// checkURL says which part of u, but for its parameters, is wrong. It quotes no
// part that may hold what was meant to be secret.
func checkURL(u *url.URL) error {
	switch {
	case u.Opaque != "":
		return errors.New("the URL has no // before the host")
	case u.Fragment != "":
		return errors.New("the URL has a fragment; write a # in a password as %23")
	case strings.Contains(strings.Trim(u.Path, "/"), "/"):
		return errors.New("the path must be the name of a database, without a slash")
	}
	// Port is nothing too if there is one that is no number.
	_, port, found := strings.Cut(u.Host[strings.LastIndexByte(u.Host, ']')+1:], ":")
	if found && port != "" && isPort(port) != nil {
		return errors.New("the port must be a number from 1 to 65535; several hosts are written host=a,b&port=1,2")
	}
	return nil
}

// Open connects to the server, or shares the sessions of the stores that this
// process has opened from an equal URL and not yet closed.
func (c *connector) Open(ctx context.Context) (driver.Store, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	config, err := pgx.ParseConfig(c.address)
	if err != nil {
		return nil, c.unread(err)
	}
	key := fmt.Sprint(c.address, "\n", c.options.schema, "\n", c.options.fencing)
	b, err := shared.get(ctx, key, func() *backend {
		return newBackend(&config.Config, c.options, secretsOf(append(c.secrets(), config.Password)...))
	})
	if err != nil {
		return nil, err
	}
	return newStore(b), nil
}

// unread says why pgx can't use the URL. pgx's own error quotes the URL, with
// what it takes for the password replaced; what it says of the cause is kept.
func (c *connector) unread(err error) error {
	reason := "pgx does not take the URL"
	if cause := errors.Unwrap(err); cause != nil {
		reason = c.secrets.hide(cause.Error())
	}
	return fmt.Errorf("%w: postgres: %s; see that the files that the URL, PG* variables and pg_service.conf name are there and right",
		driver.ErrUnavailable, reason)
}
