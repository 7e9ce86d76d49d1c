package servers

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"sync"
)

// Prepare has everything here that servers are started from: images are pulled
// or built, else programs installed. It says what each version is. What it could
// not bring is in its error, and the tests that want it will fail.
func Prepare() error {
	var all sync.WaitGroup
	var mu sync.Mutex
	var failed []error
	for _, name := range slices.Sorted(maps.Keys(makers)) {
		m := makers[name]
		if m.variable != "" && os.Getenv(m.variable) != "" {
			announce(name, "the one at "+m.variable)
		}
		versions, err := m.versions(nil)
		mu.Lock()
		failed = append(failed, err)
		mu.Unlock()
		for _, version := range versions {
			all.Go(func() {
				from, err := m.origin(nil, version)
				if err == nil {
					announce(from.version, from.kind)
					return
				}
				mu.Lock()
				defer mu.Unlock()
				failed = append(failed, fmt.Errorf("no %s: %w", version, err))
			})
		}
	}
	all.Wait()
	return errors.Join(failed...)
}
