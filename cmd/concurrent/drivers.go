package main

// The schemes that --url takes.
import (
	_ "github.com/concurrent-go/concurrent/drivers/file"
	_ "github.com/concurrent-go/concurrent/drivers/memory"
	_ "github.com/concurrent-go/concurrent/drivers/postgres"
	_ "github.com/concurrent-go/concurrent/drivers/redis"
)
