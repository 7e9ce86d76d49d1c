package redis

import (
	"strings"
	"testing"

	"github.com/concurrent-go/concurrent/driver"
	"github.com/concurrent-go/concurrent/drivers/redis/internal/rediskey"
)

func TestHoldersAreReadAsWritten(t *testing.T) {
	long := strings.Repeat("\xff", 255)
	for _, h := range []driver.Holder{
		{},
		{Host: "h", PID: 1, Label: "l"},
		{Host: long, PID: 1 << 30, Label: long},
		{Host: "1 2", PID: -1, Label: "\x00"},
	} {
		s := new(Store)
		s.inbox.id = newInboxID()
		text := s.introduce(&h)
		if text[:rediskey.ChannelLen] != s.inbox.id {
			t.Errorf("%q does not begin with the inbox %q", text, s.inbox.id)
		}
		if got := holderOf(text[rediskey.ChannelLen:]); got != h {
			t.Errorf("%+v is read as %+v", h, got)
		}
	}
	if h := holderOf("\xffshort"); h != (driver.Holder{}) {
		t.Errorf("what is cut off is read as %+v", h)
	}
}
