package locktest

import (
	"testing"
	"testing/synctest"

	"github.com/concurrent-go/concurrent"
)

// Not parallel: these tests replace what the whole process shares.

func TestDefaultIsReplacedAndRestored(t *testing.T) {
	before := concurrent.Default()
	t.Run("replaced", func(t *testing.T) {
		s := Default(t, "default", "other")
		if concurrent.Default() != s.Registry() || s.Registry() == before {
			t.Error("the default registry is not the stores'")
		}
		if _, err := concurrent.Store(t.Context(), "other"); err != nil {
			t.Error(err)
		}
	})
	if concurrent.Default() != before {
		t.Error("the default registry is not what it was")
	}
}

func TestDefaultInSubtest(t *testing.T) {
	before := concurrent.Default()
	t.Run("parent", func(t *testing.T) {
		outer := Default(t)
		t.Run("child", func(t *testing.T) {
			if inner := Default(t); concurrent.Default() != inner.Registry() {
				t.Error("the child's registry is not the default one")
			}
		})
		if concurrent.Default() != outer.Registry() {
			t.Error("the parent's registry is not the default one again")
		}
		synctest.Test(t, func(t *testing.T) { // has the parent's name
			if inner := Default(t); concurrent.Default() != inner.Registry() {
				t.Error("the bubble's registry is not the default one")
			}
		})
		if concurrent.Default() != outer.Registry() {
			t.Error("the parent's registry is not the default one after the bubble")
		}
	})
	if concurrent.Default() != before {
		t.Error("the default registry is not what it was")
	}
}

// named is a test of another name.
type named struct {
	*recorder
	name string
}

func (n named) Name() string { return n.name }

func TestDefaultBesideAnother(t *testing.T) {
	t.Run("first", func(t *testing.T) {
		s := Default(t)
		for _, name := range []string{"TestOther", t.Name() + "ly", "TestDefaultBesideAnother"} {
			record(t, func(tb testing.TB) { Default(named{tb.(*recorder), name}) }).
				wantFailure(t, "TestDefaultBesideAnother/first runs beside this test", "t.Parallel", "WithRegistry")
		}
		if concurrent.Default() != s.Registry() {
			t.Error("the test that was refused has replaced the default registry")
		}
	})
	record(t, func(t testing.TB) { Default(t) }).wantPass(t)
}

// Two subtests at once: the second is refused, whoever their parent is.
func TestDefaultInParallelSubtests(t *testing.T) {
	Default(t)
	child := func(tb testing.TB, name string) testing.TB { return named{tb.(*recorder), t.Name() + name} }
	record(t, func(tb testing.TB) {
		Default(child(tb, "/one"))
		record(t, func(tb testing.TB) { Default(child(tb, "/two")) }).wantFailure(t, "/one runs beside")
	}).wantPass(t)
}

func TestDefaultEndsFirst(t *testing.T) {
	var at *concurrent.Registry
	var s *Stores
	record(t, func(t testing.TB) {
		s = Default(t)
		s.Hold("default", "k")
		t.Cleanup(func() { at = concurrent.Default() })
	}).wantFailure(t, `key "k"`)
	if at != s.Registry() {
		t.Error("the test's own cleanups do not find its registry any more")
	}
}
