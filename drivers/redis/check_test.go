package redis

import (
	"errors"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/concurrent-go/concurrent/driver"
)

// What a server says of itself decides whether it is fit to hold locks, and the error
// names what would be.
func TestServerThatIsNotFitIsRefused(t *testing.T) {
	s := &Store{client: new(redis.Client)}
	for _, test := range []struct {
		hello map[string]string
		want  string // part of the error; empty: the server is fit
	}{
		{map[string]string{"server": "redis", "version": "8.0.6", "mode": "standalone", "role": "master"}, ""},
		{map[string]string{"server": "valkey", "version": "9.1.2", "mode": "standalone", "role": "master"}, ""},
		{nil, ""},
		{map[string]string{"server": "miniredis", "version": "6.0.5"}, "memory://"},
		{map[string]string{"server": "redis", "version": "6.2.14"}, "7.0"},
		{map[string]string{"mode": "sentinel"}, "master_name="},
		{map[string]string{"role": "replica"}, "master"},
		{map[string]string{"mode": "cluster"}, "addr="},
	} {
		err := s.checkServer(test.hello)
		if test.want == "" {
			if err != nil {
				t.Errorf("%v: %v", test.hello, err)
			}
			continue
		}
		if !errors.Is(err, driver.ErrUnfit) || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%v: %v, want ErrUnfit that says %q", test.hello, err, test.want)
		}
	}
}
