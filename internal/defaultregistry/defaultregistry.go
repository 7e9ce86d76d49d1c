// Package defaultregistry lets package locktest put a registry in the place of
// the default one for the length of a test.
package defaultregistry

// Swap makes r, a *concurrent.Registry, the default one and returns the one that
// was. Package concurrent sets it.
var Swap func(r any) (before any)
