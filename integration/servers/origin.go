package servers

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/concurrent-go/concurrent/integration/debian"
	"github.com/concurrent-go/concurrent/integration/images"
)

// A maker makes servers of one name.
type maker struct {
	name     string
	variable string   // of the environment, with the URL of one; "": there is none
	packages []string // of Debian, that bring a program
	programs func() []program
	program  func(l *launch, p program) (runner, error)
	image    func(l *launch, e *engine, ref string) (runner, error)
	url      func(port int) string
	ping     func(ctx context.Context, url string) error
}

// makers have the names of what they make.
var makers = map[string]*maker{
	redisMaker.name: redisMaker, postgresMaker.name: postgresMaker, pgbouncerMaker.name: pgbouncerMaker,
}

// An origin is where servers of a version come from.
type origin struct {
	version string
	kind    string // for people
	make    func(l *launch) (runner, error)
}

// A program is a server's, on this machine.
type program struct {
	version, path string
}

func (p program) String() string { return p.version }

// origin returns where a version comes from, or any if it is the name alone: a
// container, else a program.
func (m *maker) origin(t testing.TB, version string) (origin, error) {
	e, reason, err := containers(t)
	if err != nil {
		return origin{}, err
	}
	if e == nil {
		return m.installed(version, reason)
	}
	imaged := version
	if version == m.name {
		imaged = images.Versions(m.name)[0]
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*patience)
	defer cancel()
	ref, err := e.images.Get(ctx, imaged)
	if errors.Is(err, images.ErrUnobtainable) {
		return m.installed(version, err)
	}
	if err != nil {
		return origin{}, err
	}
	return origin{imaged, "a container of " + ref, func(l *launch) (runner, error) { return m.image(l, e, ref) }}, nil
}

// installed is a program, for a reason.
func (m *maker) installed(version string, reason error) (origin, error) {
	all, err := m.found()
	if err != nil {
		where := ""
		if m.variable != "" {
			where = "set " + m.variable + " to the URL of one, "
		}
		return origin{}, fmt.Errorf("%sstart a Docker engine (%w), or install %v: %w", where, reason, m.packages, err)
	}
	i := slices.IndexFunc(all, func(p program) bool { return version == p.version || version == m.name })
	if i < 0 {
		return origin{}, fmt.Errorf("no program of it is here, only %v, and no container: %w", all, reason)
	}
	p := all[i]
	return origin{p.version, p.path, func(l *launch) (runner, error) { return m.program(l, p) }}, nil
}

// found returns the programs that are here, after bringing one where there is
// none.
func (m *maker) found() ([]program, error) {
	if all := m.programs(); len(all) > 0 {
		return all, nil
	}
	if err := debian.Install(context.Background(), m.packages...); err != nil {
		return nil, err
	}
	all := m.programs()
	if len(all) == 0 {
		return nil, fmt.Errorf("%v brought no program", m.packages)
	}
	return all, nil
}

// versions are those that can be had.
func (m *maker) versions(t testing.TB) ([]string, error) {
	e, _, err := containers(t)
	if err != nil {
		return nil, err
	}
	if e != nil {
		return images.Versions(m.name), nil
	}
	all, err := m.found()
	versions := make([]string, len(all))
	for i, p := range all {
		versions[i] = p.version
	}
	return versions, err
}
