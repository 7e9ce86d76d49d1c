// Package script has the scripts that run on the server: their texts, put together
// from the files of lua/, and what the driver must know of each. What a key holds is
// described in lua/state.lua and lua/head.lua.
package script

import (
	"crypto/sha1" // the name that Redis gives scripts, no secret
	"embed"
	"encoding/hex"
	"strings"
)

//go:embed lua
var files embed.FS

// A Script runs on the server, as a whole. All of them are idempotent but for
// those that end a lease, which report that a second time as not held. Nothing
// changes a Script.
type Script struct {
	Text     string
	SHA      string // the name by which a server knows it
	ManyKeys bool   // one run can serve many keys: see lua/each.lua
	Harmless bool   // also if it runs once more, at any later time
}

// What ends a lease is for an owner who never has another, so that it does nothing
// later on. An acquire that runs late takes a key for nobody, an extend shortens
// what a later one made longer, and a break breaks the next holder's lease.
//
// Arguments and replies are described at the head of each file.
var (
	Acquire   = load("acquire").forMany()            // grants a lease, or queues a waiter
	Extend    = load("extend").forMany()             // has a lease end anew
	Release   = load("release").forMany().evenLate() // ends a lease
	Keep      = load("keep").evenLate()              // leaves a key held by nobody
	Leave     = load("leave").evenLate()             // ends a wait
	Inspect   = load("inspect").evenLate()           // tells holders and waiters
	Break     = load("break")                        // ends every lease of a key
	Probe     = load("probe")                        // tells what this user may not do
	Listeners = load("listeners")                    // tells how many listen to a channel
)

func load(name string) *Script {
	text := include(name + ".lua")
	sum := sha1.Sum([]byte(text))
	return &Script{Text: text, SHA: hex.EncodeToString(sum[:])}
}

func (s *Script) forMany() *Script {
	s.ManyKeys = true
	return s
}

func (s *Script) evenLate() *Script {
	s.Harmless = true
	return s
}

// include returns a file of lua/ with those it includes.
func include(name string) string {
	raw, err := files.ReadFile("lua/" + name)
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
