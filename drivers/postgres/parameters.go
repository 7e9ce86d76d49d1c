package postgres

import (
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/concurrent-go/concurrent/internal/spelling"
)

// ours are the parameters that pgx does not know.
var ours = []string{"schema", "fencing"}

// parameters are ours, pgx's, and those of the server's that a session of locks
// may be given. pgx would send any other to the server as a setting.
var parameters = map[string]func(string) error{
	"schema":  isSchema,
	"fencing": oneOf("on", "off"),

	"host":                 isText,
	"port":                 isPorts,
	"user":                 isText,
	"password":             isText,
	"dbname":               isText,
	"database":             isText,
	"passfile":             isText,
	"service":              isText,
	"servicefile":          isText,
	"connect_timeout":      isSeconds,
	"sslmode":              oneOf("disable", "allow", "prefer", "require", "verify-ca", "verify-full"),
	"sslkey":               isText,
	"sslcert":              isText,
	"sslcertmode":          oneOf("disable", "allow", "require"),
	"sslrootcert":          isText,
	"sslpassword":          isText,
	"sslnegotiation":       oneOf("postgres", "direct"),
	"sslsni":               oneOf("0", "1"),
	"krbspn":               isText,
	"krbsrvname":           isText,
	"channel_binding":      oneOf("disable", "prefer", "require"),
	"require_auth":         isText,
	"min_protocol_version": oneOf("3.0", "3.2", "latest"),
	"max_protocol_version": oneOf("3.0", "3.2", "latest"),
	"target_session_attrs": oneOf("any", "read-write", "primary"),

	"application_name": isText,
	"options":          isText,
	"role":             isText,
}

// foreign are parameters of the neighbourhood, and why they have no place here.
var foreign = map[string]string{
	"idle_session_timeout":        "the driver sets it, by the lengths of the leases",
	"statement_timeout":           "the driver sets it, by the lengths of the leases",
	"default_query_exec_mode":     "the driver has statements of its own",
	"statement_cache_capacity":    "the driver has statements of its own",
	"description_cache_capacity":  "the driver has statements of its own",
	"pool_max_conns":              "the driver has no pool",
	"pool_min_conns":              "the driver has no pool",
	"pool_min_idle_conns":         "the driver has no pool",
	"pool_max_conn_lifetime":      "the driver has no pool",
	"pool_max_conn_idle_time":     "the driver has no pool",
	"pool_health_check_period":    "the driver has no pool",
	"replication":                 "a replication session has no locks",
	"default_transaction_options": "the driver has no transactions",
}

// checkParameters checks every parameter of a query. It quotes no value: it may
// be meant for another parameter, which is secret.
func checkParameters(query url.Values) error {
	for _, name := range slices.Sorted(maps.Keys(query)) {
		check, known := parameters[name]
		switch {
		case foreign[name] != "":
			return fmt.Errorf("the parameter %q is none for locks: %s", name, foreign[name])
		case !known:
			return unknownParameter(name)
		case len(query[name]) > 1:
			return fmt.Errorf("the parameter %q stands there more than once", name)
		}
		if err := check(query[name][0]); err != nil {
			return fmt.Errorf("the parameter %q must be %w", name, err)
		}
	}
	return nil
}

func unknownParameter(name string) error {
	names := slices.Sorted(maps.Keys(parameters))
	if near := spelling.Nearest(name, names); near != "" {
		return fmt.Errorf("the parameter %q is unknown; did you mean %q?", name, near)
	}
	return fmt.Errorf("the parameter %q is unknown; there are %s", name, strings.Join(names, ", "))
}

func oneOf(values ...string) func(string) error {
	return func(s string) error {
		if slices.Contains(values, s) {
			return nil
		}
		return errors.New(strings.Join(values[:len(values)-1], ", ") + " or " + values[len(values)-1])
	}
}

func isText(s string) error {
	if s == "" || strings.ContainsRune(s, 0) {
		return errors.New("some text, without NUL")
	}
	return nil
}

func isSeconds(s string) error {
	if n, err := strconv.Atoi(s); err != nil || n < 0 || n > 1<<20 {
		return errors.New("a number of seconds")
	}
	return nil
}

func isPort(s string) error {
	if n, err := strconv.Atoi(s); err != nil || n < 1 || n >= 1<<16 {
		return errors.New("a number from 1 to 65535, or several with commas, one for each host")
	}
	return nil
}

func isPorts(s string) error {
	for port := range strings.SplitSeq(s, ",") {
		if err := isPort(port); err != nil {
			return err
		}
	}
	return nil
}

// maxSchema is the length of the longest name that the server does not cut.
const maxSchema = 63

// isSchema takes names that need no quotes, so that a message, a grant and the
// administrator's SQL all show the same.
func isSchema(s string) error {
	bad := func(c rune) bool {
		return (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '_'
	}
	if s == "" || len(s) > maxSchema || strings.ContainsFunc(s, bad) || s[0] >= '0' && s[0] <= '9' || strings.HasPrefix(s, "pg_") {
		return fmt.Errorf("1 to %d lower-case letters, digits and _, not begin with a digit or pg_", maxSchema)
	}
	return nil
}
