package reply_test

import (
	"strings"
	"testing"

	"github.com/concurrent-go/concurrent/driver"
	"github.com/concurrent-go/concurrent/drivers/redis/internal/reply"
)

func TestHoldersAreReadAsWritten(t *testing.T) {
	long := strings.Repeat("\xff", 255)
	for _, h := range []driver.Holder{
		{},
		{Host: "h", PID: 1, Label: "l"},
		{Host: long, PID: 1 << 30, Label: long},
		{Host: "1 2", PID: -1, Label: "\x00"},
	} {
		if got := reply.Holder(reply.HolderText(&h)); got != h {
			t.Errorf("%+v is read as %+v", h, got)
		}
	}
	if text := reply.HolderText(&driver.Holder{Host: "ho", PID: 42, Label: "x"}); text != "\x02ho\x01x42" {
		t.Errorf("a holder is written as %q, and servers have another form", text)
	}
	if h := reply.Holder("\xffshort"); h != (driver.Holder{}) {
		t.Errorf("what is cut off is read as %+v", h)
	}
}
