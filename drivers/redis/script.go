package redis

import (
	"crypto/sha1" // the name that Redis gives scripts, no secret
	"embed"
	"encoding/hex"
	"strings"
)

//go:embed lua
var lua embed.FS

// A script runs on the server, as a whole. All of them are idempotent but for
// those that end a lease, which report that a second time as not held.
type script struct {
	text   string
	sha    string
	shared bool // it takes many keys
}

var (
	acquireScript = load("acquire").forMany()
	extendScript  = load("extend").forMany()
	releaseScript = load("release").forMany()
	keepScript    = load("keep")
	leaveScript   = load("leave")
	inspectScript = load("inspect")
	breakScript   = load("break")
	probeScript   = load("probe")
)

func load(name string) *script {
	text := include(name + ".lua")
	sum := sha1.Sum([]byte(text))
	return &script{text: text, sha: hex.EncodeToString(sum[:])}
}

func (s *script) forMany() *script {
	s.shared = true
	return s
}

// include returns a file of lua/ with those it includes.
func include(name string) string {
	raw, err := lua.ReadFile("lua/" + name)
	if err != nil {
		panic(err) // the files are part of the program
	}
	lines := strings.Split(string(raw), "\n")
	for i, line := range lines {
		if part, ok := strings.CutPrefix(line, "--#include "); ok {
			lines[i] = include(part)
		}
	}
	return strings.Join(lines, "\n")
}
