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
	text     string
	sha      string
	shared   bool // it takes many keys
	harmless bool // also if it runs once more, at any later time
}

// What ends a lease is for an owner who never has another, so that it does nothing
// later on. An acquire that runs late takes a key for nobody, an extend shortens
// what a later one made longer, and a break breaks the next holder's lease.
var (
	acquireScript = load("acquire").forMany()
	extendScript  = load("extend").forMany()
	releaseScript = load("release").forMany().evenLate()
	keepScript    = load("keep").evenLate()
	leaveScript   = load("leave").evenLate()
	inspectScript = load("inspect").evenLate()
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

func (s *script) evenLate() *script {
	s.harmless = true
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
