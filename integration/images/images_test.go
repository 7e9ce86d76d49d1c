package images

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/moby/moby/client"
)

const childEnv = "IMAGES_TEST_CHILD"

// engine is this machine's. Where there is none, only what needs none is tested:
// package servers takes programs then.
func engine(t *testing.T) *Engine {
	t.Helper()
	c, err := NewClient()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Ping(t.Context(), client.PingOptions{}); err != nil {
		t.Skipf("no engine, so there are no images: %v", err)
	}
	return &Engine{Client: c}
}

// small is a server whose image takes no time to build, and which says in a file
// that it was built.
func small(t *testing.T, path, more string) string {
	t.Helper()
	before := servers
	t.Cleanup(func() { servers = before })
	servers = append(servers, server{"test 1", "images.invalid/none:1", &suite{
		"small", `mkdir "$1"; cp -a /etc/debian_version "$1"; echo built >>` + path + "; " + more, nil,
	}})
	s, err := find("test 1")
	if err != nil {
		t.Fatal(err)
	}
	return s.suite.ref()
}

func remove(t *testing.T, e *Engine, ref string) {
	t.Helper()
	t.Cleanup(func() {
		if _, err := e.Client.ImageRemove(context.WithoutCancel(t.Context()), ref, client.ImageRemoveOptions{Force: true}); err != nil {
			t.Error(err)
		}
	})
}

// Several processes, and several goroutines of each, want an image at once: it
// is built once, and all have it.
func TestAnImageIsBuiltOnce(t *testing.T) {
	path := os.Getenv(childEnv)
	child := path != ""
	if !child {
		path = filepath.Join(t.TempDir(), "built")
	}
	e := engine(t)
	if err := buildable(); err != nil {
		t.Skipf("none can be built: %v", err)
	}
	ref := small(t, path, "sleep 0.3")
	var wg sync.WaitGroup
	if !child {
		remove(t, e, ref)
		for range 3 {
			wg.Go(func() {
				cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run", "^TestAnImageIsBuiltOnce$")
				cmd.Env = append(os.Environ(), childEnv+"="+path)
				if out, err := cmd.CombinedOutput(); err != nil {
					t.Errorf("%v\n%s", err, out)
				}
			})
		}
	}
	for range 3 {
		wg.Go(func() {
			if got, err := e.Get(t.Context(), "test 1"); err != nil || got != ref {
				t.Errorf("%s, %v, want %s", got, err, ref)
			}
		})
	}
	wg.Wait()
	if text, err := os.ReadFile(path); err != nil || string(text) != "built\n" {
		t.Errorf("%q, %v: want it built once", text, err)
	}
}

// A build that fails is an error with what it said, and leaves no image and no
// folder.
func TestABuildThatFails(t *testing.T) {
	e := engine(t)
	if err := buildable(); err != nil {
		t.Skipf("none can be built: %v", err)
	}
	ref := small(t, filepath.Join(t.TempDir(), "built"), "echo no such package; exit 7")
	_, err := e.Get(t.Context(), "test 1")
	if ended := (*exec.ExitError)(nil); !errors.As(err, &ended) || ended.ExitCode() != 7 || !strings.Contains(err.Error(), "no such package") {
		t.Errorf("%v, want what the script said", err)
	}
	if _, err := e.Client.ImageInspect(t.Context(), ref); err == nil {
		t.Error("an image is there")
	}
	folder, err := cache()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(folder, "small")); err == nil {
		t.Error("the folder is there")
	}
}

// A usual image that the engine has is taken, and nobody is asked.
func TestTheUsualImageComesFirst(t *testing.T) {
	e := engine(t)
	if err := buildable(); err != nil {
		t.Skipf("none can be built: %v", err)
	}
	ref := small(t, filepath.Join(t.TempDir(), "built"), "")
	remove(t, e, ref)
	if _, err := e.Get(t.Context(), "test 1"); err != nil {
		t.Fatal(err)
	}
	const usual = "images.invalid/none:1"
	if _, err := e.Client.ImageTag(t.Context(), client.ImageTagOptions{Source: ref, Target: usual}); err != nil {
		t.Fatal(err)
	}
	remove(t, e, usual)
	if got, err := e.Get(t.Context(), "test 1"); err != nil || got != usual {
		t.Errorf("%s, %v, want %s", got, err, usual)
	}
}

// An image has another name when its recipe is another one.
func TestTheNameSaysTheRecipe(t *testing.T) {
	seen := make(map[string]bool)
	for i, s := range []suite{
		{"a", "script", []string{"one"}},
		{"b", "script", []string{"one"}},
		{"a", "another script", []string{"one"}},
		{"a", "script", []string{"one", "two"}},
	} {
		ref := s.ref()
		if seen[ref] {
			t.Errorf("%s again, for recipe %d", ref, i)
		}
		seen[ref] = true
	}
	if a, b := bookworm.ref(), bookworm.ref(); a != b {
		t.Errorf("%s and %s are of one recipe", a, b)
	}
}

func TestVersions(t *testing.T) {
	if got := fmt.Sprint(Versions("redis"), Versions("postgres"), Versions("other")); got != "[redis 7.0 redis 8.0 valkey 8.1] [postgres 15 postgres 17] []" {
		t.Error(got)
	}
	if _, err := (&Engine{}).Get(t.Context(), "redis 1.0"); err == nil {
		t.Error("there is a redis 1.0")
	}
}
