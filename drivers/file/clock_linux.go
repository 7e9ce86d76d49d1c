package file

import (
	"encoding/hex"
	"fmt"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// bootTime is the store's clock: nanoseconds since the machine started, the
// same in all its processes, counting suspend, and not set with the wall
// clock.
func bootTime() int64 {
	var ts unix.Timespec
	// CLOCK_BOOTTIME exists since Linux 2.6.39 and can't fail with a valid
	// pointer.
	_ = unix.ClockGettime(unix.CLOCK_BOOTTIME, &ts)
	return ts.Nano()
}

// bootID tells one start of the machine from another, since bootTime begins
// anew with each.
func bootID() (id [16]byte, err error) {
	const name = "/proc/sys/kernel/random/boot_id"
	b, err := os.ReadFile(name)
	if err != nil {
		return id, err
	}
	s := strings.ReplaceAll(strings.TrimSpace(string(b)), "-", "")
	if n, err := hex.Decode(id[:], []byte(s[:min(len(s), 2*len(id))])); err != nil || n != len(id) {
		return id, fmt.Errorf("%s holds no UUID", name)
	}
	return id, nil
}
