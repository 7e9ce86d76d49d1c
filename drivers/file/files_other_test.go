//go:build !linux

package file

import "testing"

func openFiles(testing.TB, string) int { return 0 }
