package file

import "github.com/concurrent-go/concurrent"

func init() { concurrent.Register("file", Driver{}) }
