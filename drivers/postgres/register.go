package postgres

import "github.com/concurrent-go/concurrent"

func init() {
	for _, scheme := range schemes {
		concurrent.Register(scheme, Driver{})
	}
}
