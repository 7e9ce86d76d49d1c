package config

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/concurrent-go/concurrent/driver"
)

const secret = "s3cret-passw0rd"

func parse(raw string) (*Config, error) {
	u, err := url.Parse(raw)
	if err != nil {
		return nil, err
	}
	return Parse(u)
}

func TestURLsOfEachTopologyAreTaken(t *testing.T) {
	for raw, want := range map[string]topology{
		"redis://localhost":        single,
		"redis://":                 single,
		"redis://localhost:6379/3": single,
		"valkey://localhost":       single,

		"valkeys://h?tls_ca_file=/ca.pem":       single,
		"valkey://h:1?addr=i:1":                 cluster,
		"valkeys://h:1?master_name=m&addr=i:26": sentinel,

		"redis://user:" + secret + "@[::1]:6379/":                             single,
		"rediss://h:1?skip_verify=true":                                       single,
		"rediss://h?tls_ca_file=/ca.pem":                                      single,
		"rediss://h?tls_cert_file=/c.pem&tls_key_file=/k.pem":                 single,
		"redis+unix:///run/redis.sock?db=1":                                   single,
		"redis+unix://u:" + secret + "@/run/redis.sock":                       single,
		"redis://h?protocol=2&client_name=a&pool_size=5&pool_fifo=true":       single,
		"redis://h?read_timeout=500ms&write_timeout=1&dial_timeout=-1":        single,
		"redis://h?max_retries=-1&min_retry_backoff=1ms&pipeline_pool_size=9": single,
		"redis://h:26379/2?master_name=main&addr=i:26379&addr=j:26379":        sentinel,
		"redis://:" + secret + "@h?master_name=m&password=" + secret:          sentinel,
		"rediss://h?master_name=m&tls_ca_file=/ca.pem&skip_verify=0":          sentinel,
		"redis://h:7000?addr=h:7001&max_redirects=8":                          cluster,
		"rediss://h:7000?addr=h:7001&skip_verify=1":                           cluster,
	} {
		c, err := parse(raw)
		if err != nil {
			t.Errorf("%s: %v", raw, err)
		} else if c.topology != want {
			t.Errorf("%s is a %v, want a %v", raw, c.topology, want)
		}
	}
}

func TestTheProtocolIsTheOneThatCostsLess(t *testing.T) {
	for query, want := range map[string]int{"": 2, "protocol=2": 2, "protocol=3": 3} {
		one, err := parse("redis://h?" + query)
		if err != nil || one.server.Protocol != want {
			t.Errorf("%q: protocol %d, want %d (%v)", query, one.server.Protocol, want, err)
		}
		watched, err := parse("redis://h?master_name=m&" + query)
		if err != nil || watched.failover.Protocol != want {
			t.Errorf("%q, behind Sentinel: protocol %d, want %d (%v)", query, watched.failover.Protocol, want, err)
		}
		many, err := parse("redis://h?addr=i:1&" + query)
		if err != nil || many.cluster.Protocol != want {
			t.Errorf("%q, on a Cluster: protocol %d, want %d (%v)", query, many.cluster.Protocol, want, err)
		}
	}
}

func TestWrongURLsAreRefusedWithWhatIsWrong(t *testing.T) {
	for raw, want := range map[string]string{
		"redis:localhost":                            "no //",
		"redis://h:bad/0":                            "port",
		"redis://h:0":                                "port",
		"redis://h:70000":                            "port",
		"redis://h/x":                                "number of a database",
		"redis://h/-1":                               "number of a database",
		"redis://h/1/2":                              "number of a database",
		"redis://h?db=x":                             `"db"`,
		"redis://h#part":                             "%23",
		"redis://h?pool_sise=1":                      `did you mean "pool_size"`,
		"redis://h?readtimeout=1s":                   `did you mean "read_timeout"`,
		"redis://h?Read_Timeout=1s":                  `did you mean "read_timeout"`,
		"redis://h?mastername=main":                  `did you mean "master_name"`,
		"redis://h?adr=h:1":                          `did you mean "addr"`,
		"redis://h?qqqqqqqqqqqqq=1":                  "there are addr",
		"redis://h?pool_size=many":                   `"pool_size" must be a number`,
		"redis://h?pool_size=-1":                     `"pool_size" must be a number`,
		"redis://h?read_timeout=soon":                "a duration such as",
		"redis://h?pool_fifo=maybe":                  "true or false",
		"redis://h?protocol=4":                       "2 or 3",
		"redis://h?pool_size=1&pool_size=2":          "more than once",
		"redis://h?skip_verify=true":                 "rediss://",
		"redis://h?tls_ca_file=/ca.pem":              "rediss://",
		"rediss://h?tls_cert_file=/c.pem":            "go together",
		"redis://h?max_redirects=3":                  "none of a single server",
		"redis://h?password=" + secret:               "none of a single server",
		"redis://h?master_name=m&max_redirects=3":    "none of a server behind Sentinel",
		"redis://h?addr=h:1&db=1":                    "none of a Cluster",
		"redis://h/1?addr=h:1":                       "no path",
		"redis://h?addr=h":                           "host:port",
		"redis://h?addr=h:1&read_only=true":          "masters only",
		"redis://h?master_name=m&replica_only=1":     "masters only",
		"redis://h?master_name=":                     "some text",
		"redis://h?%zz":                              "malformed query",
		"redis+unix://":                              "no path of a socket",
		"redis+unix://h/run/redis.sock":              "no host",
		"redis+unix:///run/redis.sock?master_name=m": "neither",
	} {
		// Each wrong URL with a password beside what is wrong.
		for _, with := range []string{raw, strings.Replace(raw, "://", "://user:"+secret+"@", 1)} {
			if with != raw && strings.HasPrefix(raw, "redis+unix:///") {
				with = strings.Replace(raw, ":///", "://user:"+secret+"@/", 1)
			}
			u, err := url.Parse(with)
			if err != nil {
				if u, err = url.Parse("redis://h"); err != nil {
					t.Fatal(err)
				}
				u.Host = "h:bad" // which url.Parse refuses, and a caller may still make
				u.User = url.UserPassword("user", secret)
			}
			_, err = Parse(u)
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

func TestURLsSayWhatTheClientIsToldToDo(t *testing.T) {
	c, err := parse("rediss://user:" + secret + "@h:1/2?read_timeout=2s&pool_size=7&client_name=me")
	if err != nil {
		t.Fatal(err)
	}
	o := c.server
	if o.Addr != "h:1" || o.DB != 2 || o.Username != "user" || o.Password != secret || o.ReadTimeout != 2*time.Second || o.PoolSize != 7 || o.ClientName != "me" {
		t.Errorf("options are %v, database %d", o.Addr, o.DB)
	}
	c, err = parse("redis+unix:///run/r.sock?db=3")
	if err != nil {
		t.Fatal(err)
	}
	if c.server.Network != "unix" || c.server.Addr != "/run/r.sock" || c.server.DB != 3 {
		t.Errorf("socket is %s %s, database %d", c.server.Network, c.server.Addr, c.server.DB)
	}
	c, err = parse("redis://s1:1/4?master_name=main&addr=s2:2")
	if err != nil {
		t.Fatal(err)
	}
	if f := c.failover; f.MasterName != "main" || len(f.SentinelAddrs) != 2 || f.DB != 4 {
		t.Errorf("Sentinel is %v of %v", f.SentinelAddrs, f.MasterName)
	}
	c, err = parse("redis://n1:1?addr=n2:2&addr=n3:3")
	if err != nil {
		t.Fatal(err)
	}
	if len(c.cluster.Addrs) != 3 {
		t.Errorf("Cluster is %v", c.cluster.Addrs)
	}
}

func TestTLSFilesAreReadWhenOpened(t *testing.T) {
	c, err := parse("rediss://localhost:1?tls_ca_file=" + t.TempDir() + "/none.pem")
	if err != nil {
		t.Fatal(err)
	}
	s, err := c.Client(t.Context(), nil)
	if s.UniversalClient != nil || !errors.Is(err, driver.ErrUnavailable) || !strings.Contains(err.Error(), "tls_ca_file") {
		t.Errorf("a file that is not there: %v, %v", s, err)
	}
}

func TestConfigPrintsNothingButTheAddress(t *testing.T) {
	c, err := parse("redis://user:" + secret + "@h")
	if err != nil {
		t.Fatal(err)
	}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%10v", "%t"} {
		if got := fmt.Sprintf(verb, c); got != "h:6379/0" {
			t.Errorf("%s prints %q", verb, got)
		}
	}
}

func FuzzURL(f *testing.F) {
	for _, raw := range []string{
		"redis://u:" + secret + "@h:1/2?addr=h:1", "rediss://h?skip_verify=1", "redis+unix:///a?db=1",
		"redis://h?master_name=m&password=" + secret, "redis://[::1%25z]", "redis://h?db=" + secret,
	} {
		f.Add(raw)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		u, err := url.Parse(raw)
		if err != nil {
			return
		}
		_, err = Parse(u)
		if err == nil {
			return
		}
		for _, hidden := range append(u.Query()["password"], password(u)) {
			if len(hidden) > 8 && strings.Contains(err.Error(), hidden) && !strings.Contains(u.RawQuery, hidden+"=") {
				t.Errorf("%q: %q shows a password", raw, err)
			}
		}
	})
}

func password(u *url.URL) string {
	p, _ := u.User.Password()
	return p
}
