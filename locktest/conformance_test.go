package locktest

import (
	"context"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"reflect"
	"sync/atomic"
	"testing"

	"github.com/concurrent-go/concurrent"
	"github.com/concurrent-go/concurrent/driver"
	"github.com/concurrent-go/concurrent/drivers/memory"
	"github.com/concurrent-go/concurrent/drivertest"
)

// With no fault, the store keeps every promise of a driver.
func TestConformance(t *testing.T) {
	var names atomic.Int64
	drivertest.Run(t, drivertest.Harness{
		Bubble:      true,
		NamesHolder: true,
		Backend: func(*testing.T) func(context.Context) (driver.Store, error) {
			url := fmt.Sprintf("memory://locktest-%d", names.Add(1))
			return func(ctx context.Context) (driver.Store, error) {
				r := concurrent.NewRegistry()
				r.MustConfigure(concurrent.Aliases{"shared": {URL: url}})
				m, err := r.Store(ctx, "shared")
				if err != nil {
					return nil, err
				}
				return wrap(m.(*memory.Store), "shared", make(chan struct{}, 1)), nil
			}
		},
	})
}

// The store can do what the memory store can, and no more: each optional method of a
// driver is there, or is not there, in both.
func TestOptionalInterfaces(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "../driver/optional.go", nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	wrapped, wrapper := reflect.TypeFor[*memory.Store](), reflect.TypeFor[*store]()
	methods := 0
	ast.Inspect(file, func(n ast.Node) bool {
		declared, ok := n.(*ast.TypeSpec)
		if !ok {
			return true
		}
		if of, ok := declared.Type.(*ast.InterfaceType); ok {
			for _, m := range of.Methods.List {
				methods++
				_, inWrapped := wrapped.MethodByName(m.Names[0].Name)
				_, inWrapper := wrapper.MethodByName(m.Names[0].Name)
				if inWrapped != inWrapper {
					t.Errorf("%s of driver.%s: the memory store has it: %t, the store of a test: %t",
						m.Names[0].Name, declared.Name.Name, inWrapped, inWrapper)
				}
			}
		}
		return true
	})
	if methods < 10 {
		t.Errorf("driver/optional.go has %d methods", methods)
	}
}
