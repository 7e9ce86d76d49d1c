package concurrent_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/concurrent-go/concurrent"
	"github.com/concurrent-go/concurrent/driver"
)

func TestRegisterPanics(t *testing.T) {
	for name, c := range map[string]struct {
		scheme string
		driver driver.Driver
		says   string
	}{
		"nil":         {"other", nil, "nil driver"},
		"duplicate":   {"probe", probeDriver{}, "twice"},
		"empty":       {"", probeDriver{}, "scheme"},
		"upper case":  {"Probe", probeDriver{}, "lower-case"},
		"digit first": {"9p", probeDriver{}, "scheme"},
		"a colon":     {"a:", probeDriver{}, "scheme"},
	} {
		t.Run(name, func(t *testing.T) {
			before := concurrent.Drivers()
			defer func() {
				said, _ := recover().(string)
				if !strings.Contains(said, c.says) || !strings.Contains(said, `"`+c.scheme+`"`) {
					t.Errorf("Register panicked with %q, want the scheme and %q", said, c.says)
				}
				if !slices.Equal(before, concurrent.Drivers()) {
					t.Errorf("Drivers are now %v", concurrent.Drivers())
				}
			}()
			concurrent.Register(c.scheme, c.driver)
		})
	}
}

func TestDriversAreSorted(t *testing.T) {
	got := concurrent.Drivers()
	if !slices.IsSorted(got) || !slices.Contains(got, "zebra+unix") || !slices.Contains(got, "aardvark-1.0") || !slices.Contains(got, "probe") {
		t.Errorf("Drivers = %v", got)
	}
	got[0] = "changed"
	if concurrent.Drivers()[0] == "changed" {
		t.Error("Drivers returned its own list")
	}
}
