//go:build !unix

package redis

// closed can't be known here.
func (*wire) closed() bool { return false }
