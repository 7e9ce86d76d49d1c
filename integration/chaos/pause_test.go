package chaos

import (
	"errors"
	"time"

	"github.com/concurrent-go/concurrent/integration/servers"
)

// paused is a server that answers nobody for a while.
func paused(s *servers.Server) Fault {
	return Fault{Name: "server paused", On: "server", Begin: func() error { return pause(s) }, End: s.Resume}
}

// pause tries again: an engine gives up now and then on a container whose disk
// keeps it waiting ("unable to freeze").
func pause(s *servers.Server) error {
	err := s.Pause()
	for tries := 1; err != nil && tries < 10; tries++ {
		<-time.After(100 * time.Millisecond)
		err = errors.Join(s.Resume(), s.Pause())
	}
	return err
}
