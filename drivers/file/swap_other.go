//go:build !linux

package file

import "os"

// swap puts next in the place of data in one step.
func swap(next, data string) error { return os.Rename(next, data) }
