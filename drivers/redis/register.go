package redis

import (
	"github.com/concurrent-go/concurrent"
	"github.com/concurrent-go/concurrent/drivers/redis/internal/config"
)

func init() {
	for _, scheme := range config.Schemes {
		concurrent.Register(scheme, Driver{})
	}
}
