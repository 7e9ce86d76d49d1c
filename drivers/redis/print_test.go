package redis

import (
	"fmt"
	"net/url"
	"reflect"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"
)

const secret = "s3cret-passw0rd"

// verbs are those that anybody may print something with.
var verbs = []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%10v", "%t"}

func TestWhatIsPrintedShowsWhereAndNoSecret(t *testing.T) {
	for raw, want := range map[string]string{
		"redis://user:" + secret + "@h:6379/3":                                          "redis.Connector(h:6379/3)",
		"rediss://:" + secret + "@h":                                                    "redis.Connector(h:6379/0)",
		"redis+unix://user:" + secret + "@/run/redis.sock?db=2":                         "redis.Connector(/run/redis.sock/2)",
		"redis://u:" + secret + "@s1:1/4?master_name=main&addr=s2:2&password=" + secret: "redis.Connector(main of s1:1,s2:2/4)",
		"redis://u:" + secret + "@n1:1?addr=n2:2":                                       "redis.Connector(n1:1,n2:2)",
	} {
		u, err := url.Parse(raw)
		if err != nil {
			t.Fatal(err)
		}
		c, err := Driver{}.Connector(u)
		if err != nil {
			t.Fatalf("%s: %v", want, err)
		}
		s := newStore()
		if err := c.(*connector).connect(s); err != nil {
			t.Fatal(err)
		}
		for _, verb := range verbs {
			if got := fmt.Sprintf(verb, c); got != want {
				t.Errorf("%s prints %q, want %q", verb, got, want)
			}
			if got, want := fmt.Sprintf(verb, s), strings.Replace(want, "Connector", "Store", 1); got != want {
				t.Errorf("%s prints %q, want %q", verb, got, want)
			}
			copied := reflect.ValueOf(s).Elem().Interface() // which nobody should do
			showsNothing(t, verb, copied, Driver{}, WithCheckTimeout(1))
		}
		_ = s.client.Close()
		s.endLife()
	}
}

func TestTheStoreOfAClientShowsNoSecret(t *testing.T) {
	client := redis.NewClient(&redis.Options{Addr: "127.0.0.1:1", Username: "user", Password: secret, DB: 3})
	defer func() { _ = client.Close() }()
	s := newStore()
	if err := s.use(client); err != nil {
		t.Fatal(err)
	}
	defer s.endLife()
	for _, verb := range verbs {
		if got := fmt.Sprintf(verb, s); got != "redis.Store(127.0.0.1:1/3)" {
			t.Errorf("%s prints %q", verb, got)
		}
	}
}

func showsNothing(t *testing.T, verb string, all ...any) {
	t.Helper()
	for _, v := range all {
		if got := fmt.Sprintf(verb, v); strings.Contains(got, secret) || strings.Contains(got, fmt.Sprintf("%x", secret)) || strings.Contains(got, fmt.Sprintf("%X", secret)) {
			t.Errorf("%s of a %T shows the password: %s", verb, v, got)
		}
	}
}
