package config

import (
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"

	"github.com/concurrent-go/concurrent/internal/spelling"
)

// A parameter is one of a URL's query.
type parameter struct {
	in    topology
	check func(string) error
	many  bool // may stand more than once
}

// parameters are go-redis's, but for those that would have locks read from
// replicas, and those that begin with tls_, which are ours.
var parameters = map[string]parameter{
	"addr":            {in: sentinel | cluster, check: isAddress, many: true},
	"client_name":     {in: all, check: isText},
	"db":              {in: single | sentinel, check: isCount},
	"master_name":     {in: sentinel, check: isText},
	"username":        {in: sentinel, check: isText},
	"password":        {in: sentinel, check: isText},
	"protocol":        {in: all, check: isProtocol},
	"skip_verify":     {in: single | sentinel | cluster, check: isBool},
	"tls_ca_file":     {in: all, check: isText},
	"tls_cert_file":   {in: all, check: isText},
	"tls_key_file":    {in: all, check: isText},
	"tls_server_name": {in: all, check: isText},

	"dial_timeout":            {in: all, check: isDuration},
	"read_timeout":            {in: all, check: isDuration},
	"write_timeout":           {in: all, check: isDuration},
	"pool_timeout":            {in: all, check: isDuration},
	"dialer_retries":          {in: sentinel | cluster, check: isCount},
	"dialer_retry_timeout":    {in: sentinel | cluster, check: isDuration},
	"context_timeout_enabled": {in: sentinel, check: isBool},
	"failing_timeout_seconds": {in: cluster, check: isCount},

	"max_redirects":     {in: cluster, check: isNumber},
	"max_retries":       {in: all, check: isNumber},
	"min_retry_backoff": {in: all, check: isDuration},
	"max_retry_backoff": {in: all, check: isDuration},

	"pool_fifo":                  {in: all, check: isBool},
	"pool_size":                  {in: all, check: isCount},
	"min_idle_conns":             {in: all, check: isCount},
	"max_idle_conns":             {in: all, check: isCount},
	"max_active_conns":           {in: all, check: isCount},
	"max_concurrent_dials":       {in: all, check: isCount},
	"pipeline_pool_size":         {in: all, check: isNumber},
	"pipeline_read_buffer_size":  {in: all, check: isCount},
	"pipeline_write_buffer_size": {in: all, check: isCount},
	"conn_max_idle_time":         {in: all, check: isDuration},
	"conn_max_lifetime":          {in: all, check: isDuration},
	"conn_max_lifetime_jitter":   {in: all, check: isDuration},
	"idle_timeout":               {in: single, check: isDuration},
	"max_conn_age":               {in: single, check: isDuration},
}

// replicas are parameters of go-redis that have no place here.
var replicas = []string{
	"read_only", "replica_only", "route_by_latency", "route_by_latency_tolerance",
	"route_randomly", "use_disconnected_replicas", "unstable_resp3",
}

// ours are the parameters that go-redis does not know.
var ours = []string{"tls_ca_file", "tls_cert_file", "tls_key_file", "tls_server_name"}

// checkParameters checks every parameter of a query for a topology. It quotes no
// value: it may be meant for another parameter, which is secret.
func checkParameters(query url.Values, t topology) error {
	names := make([]string, 0, len(query))
	for name := range query {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		if err := checkParameter(name, query[name], t); err != nil {
			return err
		}
	}
	return nil
}

func checkParameter(name string, values []string, t topology) error {
	p, known := parameters[name]
	switch {
	case slices.Contains(replicas, name):
		return fmt.Errorf("the parameter %q is none for locks: they are kept by masters only, in the usual protocol", name)
	case !known:
		return unknownParameter(name)
	case p.in&t == 0:
		return fmt.Errorf("the parameter %q is none of a %v", name, t)
	case len(values) > 1 && !p.many:
		return fmt.Errorf("the parameter %q stands there more than once", name)
	}
	for _, value := range values {
		if err := p.check(value); err != nil {
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
