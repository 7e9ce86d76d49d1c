package servers

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
)

// Prepare has everything here that servers are started from: images are pulled
// or built, else programs installed. It says what each version is. What it could
// not bring is in its error, and the tests that want it will fail.
func Prepare() error {
	var failed []error
	for _, name := range slices.Sorted(maps.Keys(makers)) {
		m := makers[name]
		if m.variable != "" && os.Getenv(m.variable) != "" {
			announce(name, "the one at "+m.variable)
		}
		if err := m.prepare(); err != nil {
			failed = append(failed, fmt.Errorf("no %s: %w", name, err))
		}
	}
	return errors.Join(failed...)
}

func (m *maker) prepare() error {
	versions, err := m.versions(nil)
	for _, version := range versions {
		from, failed := m.origin(nil, version)
		if failed != nil {
			return failed
		}
		announce(from.version, from.kind)
	}
	return err
}
