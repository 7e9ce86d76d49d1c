package servers

import (
	"bufio"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/moby/moby/client"
)

const childEnv = "SERVERS_TEST_CHILD"

// TestChild is the process that TestServersDieWithTheProcess kills. One of its
// servers is paused: it can't end by itself.
func TestChild(t *testing.T) {
	if os.Getenv(childEnv) == "" {
		t.Skip("TestServersDieWithTheProcess runs it")
	}
	shared, paused := Redis(t), NewRedis(t, "redis")
	check(t, paused.Pause())
	session := "none"
	if e, _, _ := containers(t); e != nil {
		session = e.session
	}
	_, _ = os.Stdout.WriteString("SERVERS " + shared.URL + " " + Postgres(t).URL + " " + paused.URL + " " + session + "\n")
	<-t.Context().Done()
}

// A server outlives nobody who started it, also when that is killed.
func TestServersDieWithTheProcess(t *testing.T) {
	for _, kind := range kinds(t) {
		t.Run(kind, func(t *testing.T) {
			cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run", "^TestChild$")
			temp := t.TempDir() // the folders of a program stay
			check(t, os.Chmod(filepath.Dir(temp), 0o755))
			cmd.Env = append(os.Environ(), "TMPDIR="+temp, childEnv+"=1", kindVariable+"="+kind, redisMaker.variable+"=", postgresMaker.variable+"=")
			out, err := cmd.StdoutPipe()
			check(t, err)
			check(t, cmd.Start())
			var words []string
			for lines := bufio.NewScanner(out); words == nil && lines.Scan(); {
				if rest, ok := strings.CutPrefix(lines.Text(), "SERVERS "); ok {
					words = strings.Fields(rest)
				}
			}
			if len(words) != 4 {
				t.Fatal("the child started no servers")
			}
			urls, session := words[:3], words[3]
			check(t, pingRedis(t.Context(), urls[0]))
			check(t, pingPostgres(t.Context(), urls[1]))
			if n := containersOf(t, session); kind == "container" && n != 3 {
				t.Fatalf("the child has %d containers", n)
			}
			check(t, cmd.Process.Kill())
			_ = cmd.Wait() // it was killed
			eventually(t, "the servers are gone", func() bool {
				return pingRedis(t.Context(), urls[0]) != nil && pingPostgres(t.Context(), urls[1]) != nil
			})
			eventually(t, "the containers are gone", func() bool { return containersOf(t, session) == 0 })
		})
	}
}

// containersOf is how many a session has.
func containersOf(t *testing.T, session string) int {
	t.Helper()
	e, err := findEngine()
	if err != nil {
		return 0
	}
	list, err := e.client.ContainerList(t.Context(), client.ContainerListOptions{
		All: true, Filters: make(client.Filters).Add("label", sessionLabel+"="+session),
	})
	check(t, err)
	return len(list.Items)
}

func eventually(t *testing.T, what string, f func() bool) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !f(); {
		if time.Now().After(deadline) {
			t.Fatalf("not within 30 s: %s", what)
		}
		<-time.After(50 * time.Millisecond)
	}
}
