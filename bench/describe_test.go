package bench

import (
	_ "embed" // of go.mod
	"fmt"
	"os"
	"regexp"
	"runtime"
	"strings"
	"time"

	"github.com/concurrent-go/concurrent/bench/result"
)

// describe says where and with what a run is made.
func describe(how string) *result.Run {
	r := &result.Run{
		Command: "make bench", Date: time.Now().UTC().Format(time.DateOnly), Machine: machine(),
		Versions: map[string]string{"go": runtime.Version()},
	}
	if how == "full" {
		r.Command = "make bench-full"
	}
	for _, m := range required.FindAllStringSubmatch(string(goMod), -1) {
		r.Versions[m[1]] = m[2]
	}
	return r
}

//go:embed go.mod
var goMod []byte

// required are the modules that are measured.
var required = regexp.MustCompile(`(?m)^\t(\S*(?:redsync/v4|redislock|rueidis|moby/locker|x/sync|flock|go-redis/v9|pgx/v5)) (v\S+)$`)

var modelName = regexp.MustCompile(`(?m)^model name\s*: (.*)$`)

func machine() string {
	model := "a processor without a name"
	if text, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		if m := modelName.FindSubmatch(text); m != nil {
			model = strings.TrimSpace(string(m[1]))
		}
	}
	return fmt.Sprintf("%d cores of %s, %s", runtime.NumCPU(), model, runtime.GOOS)
}
