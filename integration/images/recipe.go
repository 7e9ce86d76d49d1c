package images

import (
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
)

// A server is one that tests ask for by its version.
type server struct {
	version string // by our name
	usual   string // the image that people pull; "": there is none
	suite   *suite // the Debian that has it
}

var servers = []server{
	{"redis 7.0", "redis:7.0", bookworm},
	{"redis 8.0", "redis:8.0", trixie},
	{"valkey 8.1", "valkey/valkey:8.1", trixie},
	{"postgres 15", "postgres:15", bookworm},
	{"postgres 17", "postgres:17", trixie},
	{"pgbouncer 1.18", "", bookworm},
}

// Versions returns the versions of a server that there are images of, oldest
// first: "redis" has those of Valkey too, which is one.
func Versions(name string) []string {
	var all []string
	for _, s := range servers {
		if kind, _, _ := strings.Cut(s.version, " "); kind == name || kind == "valkey" && name == "redis" {
			all = append(all, s.version)
		}
	}
	return all
}

func find(version string) (server, error) {
	i := slices.IndexFunc(servers, func(s server) bool { return s.version == version })
	if i < 0 {
		return server{}, fmt.Errorf("there is no image of %q", version)
	}
	return servers[i], nil
}

// A suite is a release of Debian, and the packages of it in one image.
type suite struct {
	name     string
	script   string // is given a folder, which it makes, the name and the packages
	packages []string
}

//go:embed build.sh
var script string

var (
	bookworm = &suite{"bookworm", script, []string{"redis-server", "postgresql-15", "pgbouncer"}}
	trixie   = &suite{"trixie", script, []string{"redis-server", "valkey-server", "postgresql-17"}}
)

// The folder of the cluster that the script made, where the usual image has
// one too.
var changes = []string{"ENV PGDATA=/var/lib/postgresql/data"}

// ref is the image's name. The hash has it built anew when the recipe changed.
func (s *suite) ref() string {
	sum := sha256.Sum256([]byte(s.script + s.name + fmt.Sprint(s.packages, changes)))
	return "concurrent-test/" + s.name + ":" + hex.EncodeToString(sum[:6])
}
