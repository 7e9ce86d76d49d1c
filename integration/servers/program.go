package servers

import (
	"context"
	"fmt"
	"slices"

	"github.com/concurrent-go/concurrent/integration/debian"
)

// A program is a server's, on this machine.
type program struct {
	version, path string
}

func (p program) String() string { return p.version }

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
		return nil, fmt.Errorf("%v brought no program", slices.Clone(m.packages))
	}
	return all, nil
}
