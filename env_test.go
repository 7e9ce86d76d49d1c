package concurrent_test

import (
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/concurrent-go/concurrent"
)

// clearEnv has the test see none of the variables that ConfigureEnv looks at.
func clearEnv(t *testing.T) {
	for _, entry := range os.Environ() {
		if name, _, _ := strings.Cut(entry, "="); strings.HasPrefix(name, "CONCURRENT_") {
			t.Setenv(name, "")
		}
	}
}

func TestConfigureEnv(t *testing.T) {
	clearEnv(t)
	b := newBackend(t)
	t.Setenv("CONCURRENT_URL", b.url)
	t.Setenv("CONCURRENT_BILLING_LOCKS_URL", b.url)
	t.Setenv("CONCURRENT_EMPTY_URL", "")
	// What the command gives to the program that it runs.
	t.Setenv("CONCURRENT_KEY", "report")
	t.Setenv("CONCURRENT_TOKEN", "7")
	r := registry(t)
	if err := r.ConfigureEnv(); err != nil {
		t.Fatal(err)
	}
	_, err := r.Store(t.Context(), "?")
	says(t, err, "configured are billing_locks, default")
	if strings.Contains(err.Error(), "token") || strings.Contains(err.Error(), "empty") {
		t.Errorf("too much was configured: %v", err)
	}
}

func TestConfigureEnvRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		env  []string
		says []string
	}{
		"nothing":          {nil, []string{"CONCURRENT_URL=memory://", "CONCURRENT_<ALIAS>_URL"}},
		"only the others":  {[]string{"CONCURRENT_KEY=k", "CONCURRENT_TOKEN=1"}, []string{"CONCURRENT_URL"}},
		"default twice":    {[]string{"CONCURRENT_URL=probe://", "CONCURRENT_DEFAULT_URL=probe://"}, []string{`"default"`, "two environment variables"}},
		"no alias":         {[]string{"CONCURRENT__URL=probe://"}, []string{"CONCURRENT_<ALIAS>", "letters"}},
		"a malformed URL":  {[]string{"CONCURRENT_LOCKS_URL=probe://u:s3cr3t@h:x"}, []string{`"locks"`, "port"}},
		"a strange letter": {[]string{"CONCURRENT_Ü_URL=probe://"}, []string{"letters"}},
	} {
		t.Run(name, func(t *testing.T) {
			clearEnv(t)
			for _, entry := range c.env {
				name, value, _ := strings.Cut(entry, "=")
				t.Setenv(name, value)
			}
			err := registry(t).ConfigureEnv()
			if !errors.Is(err, concurrent.ErrInvalidConfig) {
				t.Fatalf("ConfigureEnv = %v", err)
			}
			says(t, err, c.says...)
			showsNot(t, "the error", err.Error(), "s3cr3t")
		})
	}
}
