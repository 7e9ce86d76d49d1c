module github.com/concurrent-go/concurrent/bench

go 1.26.0

require (
	github.com/concurrent-go/concurrent v0.0.0
	github.com/gofrs/flock v0.13.1
	github.com/moby/locker v1.0.1
	go.uber.org/goleak v1.3.0
	golang.org/x/sync v0.24.0
)

require (
	github.com/fsnotify/fsnotify v1.10.1 // indirect
	golang.org/x/sys v0.49.0 // indirect
)

replace github.com/concurrent-go/concurrent => ../
