package locktest

import (
	"strings"
	"sync"
	"testing"

	"github.com/concurrent-go/concurrent/internal/defaultregistry"
)

// defaults are the names of the tests that have replaced the default registry
// and not ended, each of them a part of the one before.
var defaults struct {
	sync.Mutex
	tests []string
}

// Default is New, and replaces the default registry by the new one until the test
// ends. It is for code whose locks use the default registry, such as package
// variables: a lock looks its alias up each time it is acquired.
//
// A process has one default registry. If another test has replaced it at the
// moment, Default fails t at once. A subtest may replace its parent's, one subtest
// at a time. Don't call t.Parallel in a test that uses Default: any other code that
// runs at the same time would find this registry as the default one too.
func Default(t testing.TB, aliases ...string) *Stores {
	t.Helper()
	s := newStores(t, aliases)
	enter(t)
	before := defaultregistry.Swap(s.registry)
	t.Cleanup(func() {
		defaultregistry.Swap(before)
		leave()
	})
	t.Cleanup(s.end)
	return s
}

// enter fails t if another test that t is no part of has the default registry.
func enter(t testing.TB) {
	t.Helper()
	name := t.Name()
	defaults.Lock()
	var has string
	if n := len(defaults.tests); n > 0 {
		has = defaults.tests[n-1]
	}
	free := has == "" || name == has || strings.HasPrefix(name, has+"/")
	if free {
		defaults.tests = append(defaults.tests, name)
	}
	defaults.Unlock()
	if !free {
		t.Fatalf("locktest: Default: %s runs beside this test and has the default registry; there is only one. "+
			"Leave out t.Parallel, or use locktest.New and locks.WithRegistry", has)
	}
}

// leave takes the last test out, which has ended.
func leave() {
	defaults.Lock()
	defer defaults.Unlock()
	defaults.tests = defaults.tests[:len(defaults.tests)-1]
}
