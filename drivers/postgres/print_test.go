package postgres

import (
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
)

// verbs are those that anybody may print something with.
var verbs = []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%10v", "%t"}

func TestWhatIsPrintedShowsWhereAndNoSecret(t *testing.T) {
	for raw, want := range map[string]string{
		"postgres://user:" + secret + "@h:5433/db?sslmode=disable":      "h:5433/db",
		"postgres://h:5433/db?sslmode=disable&password=" + secret:       "h:5433/db",
		"postgresql://[::1]:5433/db?sslmode=disable&password=" + secret: "[::1]:5433/db",
	} {
		c, err := connect(raw)
		if err != nil {
			t.Fatalf("%s: %v", want, err)
		}
		config, err := pgx.ParseConfig(c.address)
		if err != nil {
			t.Fatal(err)
		}
		b := newBackend(&config.Config, c.options, secretsOf(secret))
		defer b.end()
		s := newStore(b)
		for _, verb := range verbs {
			if got := fmt.Sprintf(verb, c); got != "postgres.Connector("+want+")" {
				t.Errorf("%s prints %q", verb, got)
			}
			if got := fmt.Sprintf(verb, s); got != "postgres.Store("+want+")" {
				t.Errorf("%s prints %q", verb, got)
			}
			copied := reflect.ValueOf(s).Elem().Interface() // which nobody should do
			for _, v := range []any{copied, Driver{}, WithSchema("a"), WithoutFencing()} {
				if got := fmt.Sprintf(verb, v); strings.Contains(got, secret) || strings.Contains(got, fmt.Sprintf("%x", secret)) {
					t.Errorf("%s of a %T shows the password: %s", verb, v, got)
				}
			}
		}
	}
}
