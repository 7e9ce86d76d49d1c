package chaos

import (
	"time"

	"github.com/concurrent-go/concurrent/integration/servers"
)

// network is what goes wrong on a link.
func network(l *servers.Link) []Fault {
	heal := func() error { l.Heal(); return nil }
	fault := func(name string, begin func()) Fault {
		return Fault{Name: name, On: "network", Begin: func() error { begin(); return nil }, End: heal}
	}
	return []Fault{
		fault("network cut", func() { l.Cut(servers.Both) }),
		fault("requests cut", func() { l.Cut(servers.Requests) }),
		fault("replies cut", func() { l.Cut(servers.Replies) }),
		fault("replies withheld", l.Withhold),
		fault("latency of 100 ms", func() { l.Latency(100 * time.Millisecond) }),
		fault("latency of a second", func() { l.Latency(time.Second) }),
		fault("slow close", func() { l.SlowClose(time.Hour) }),
		fault("reset in mid-reply", func() { l.Reset(40) }),
		{Name: "connections dropped", On: "network", Begin: func() error { l.Drop(); return nil }},
	}
}
