package servers

import (
	"bufio"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

const childEnv = "SERVERS_TEST_CHILD"

func TestMain(m *testing.M) { Main(m) }

// TestChild is the process that TestServersDieWithTheProcess kills.
func TestChild(t *testing.T) {
	if os.Getenv(childEnv) == "" {
		t.Skip("TestServersDieWithTheProcess runs it")
	}
	t.Setenv("CONCURRENT_TEST_REDIS_URL", "")
	t.Setenv("CONCURRENT_TEST_POSTGRES_URL", "")
	_, _ = os.Stdout.WriteString("SERVERS " + Redis(t).URL + " " + Postgres(t).URL + "\n")
	<-t.Context().Done()
}

// A server outlives nobody who started it, also when that is killed.
func TestServersDieWithTheProcess(t *testing.T) {
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run", "^TestChild$")
	cmd.Env = append(os.Environ(), childEnv+"=1")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var urls []string
	for lines := bufio.NewScanner(out); urls == nil && lines.Scan(); {
		if rest, ok := strings.CutPrefix(lines.Text(), "SERVERS "); ok {
			urls = strings.Fields(rest)
		}
	}
	if len(urls) != 2 {
		t.Fatal("the child started no servers")
	}
	for i, ping := range []func() error{
		func() error { return pingRedis(t.Context(), urls[0]) },
		func() error { return pingPostgres(t.Context(), urls[1]) },
	} {
		if err := ping(); err != nil {
			t.Fatalf("server %d does not answer: %v", i, err)
		}
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // it was killed
	deadline := time.Now().Add(20 * time.Second)
	for pingRedis(t.Context(), urls[0]) == nil || pingPostgres(t.Context(), urls[1]) == nil {
		if time.Now().After(deadline) {
			t.Fatal("a server still answers")
		}
		<-time.After(50 * time.Millisecond)
	}
}

// An address from the environment comes first, and one that nobody answers at
// is an error, not a reason to look elsewhere.
func TestAddressFromTheEnvironment(t *testing.T) {
	const variable = "CONCURRENT_TEST_NOTHING_URL"
	t.Setenv(variable, "redis://user:s3cret@[bad")
	s := &source{name: "nothing", variable: variable, ping: pingRedis, patience: time.Second}
	_, err := s.find()
	if err == nil || strings.Contains(err.Error(), "s3cret") || !strings.Contains(err.Error(), variable) {
		t.Errorf("%v", err)
	}
}
