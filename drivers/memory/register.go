package memory

import "github.com/concurrent-go/concurrent"

func init() { concurrent.Register("memory", memoryDriver{}) }
