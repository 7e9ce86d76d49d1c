package chaos

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/concurrent-go/concurrent/driver"
)

// A tale is a history written by hand: clients are processes of one client, and
// each has one grant at a time.
type tale struct {
	records []Record
	grants  map[int]int
}

func (s *tale) put(client int, r Record) {
	r.Process, r.Client, r.Grant = string(rune('a'+client)), client, s.grants[client]
	s.records = append(s.records, r)
}

// got is an acquire of client from call to ret, for a lease until end.
func (s *tale) got(client int, mode driver.Mode, token uint64, call, ret, end int64) {
	s.grants[client]++
	s.put(client, Record{
		Op: Acquire, Key: "k", Mode: mode, Call: call, Return: ret, Token: token,
		Active: end > ret, Until: end, Result: OK,
	})
}

func (s *tale) released(client int, call, ret int64, result string) {
	s.put(client, Record{Op: Releasing, Key: "k", Call: call})
	s.put(client, Record{Op: Release, Key: "k", Call: call, Return: ret, Result: result})
}

func (s *tale) wrote(client int, token uint64, call, ret int64, result string) {
	s.put(client, Record{Op: Write, Key: "k", Token: token, Call: call, Return: ret, Result: result})
}

func (s *tale) broke(call, ret int64) {
	s.records = append(s.records, Record{Op: Break, Call: call, Return: ret})
}

func (s *tale) killed(client int, at int64) {
	s.records = append(s.records, Record{Op: Kill, Process: string(rune('a' + client)), Call: at})
}

const x = driver.Exclusive

func TestCheckTellsLegalHistoriesFromBrokenOnes(t *testing.T) {
	for name, c := range map[string]struct {
		tell func(s *tale)
		want []string // the promises broken; none of a legal history
	}{
		"one after the other": {func(s *tale) {
			s.got(0, x, 1, 0, 10, 100)
			s.released(0, 20, 30, OK)
			s.got(1, x, 2, 5, 25, 100)
		}, nil},
		"takeover after expiry": {func(s *tale) {
			s.got(0, x, 1, 0, 10, 100)
			s.got(1, x, 2, 20, 101, 200)
		}, nil},
		"takeover from a killed holder": {func(s *tale) {
			s.got(0, x, 1, 0, 10, 100)
			s.killed(0, 30)
			s.got(1, x, 2, 20, 40, 200)
		}, nil},
		"takeover after a loss that was told": {func(s *tale) {
			s.got(0, x, 1, 0, 10, 100)
			s.put(0, Record{Op: Loss, Key: "k", Call: 50})
			s.got(1, x, 2, 20, 60, 200)
		}, nil},
		"a release that was not confirmed and took effect": {func(s *tale) {
			s.got(0, x, 1, 0, 10, 100)
			s.released(0, 20, 30, "timeout")
			s.got(1, x, 2, 40, 50, 200)
		}, nil},
		"a release that was not confirmed and took no effect": {func(s *tale) {
			s.got(0, x, 1, 0, 10, 100)
			s.released(0, 20, 30, "timeout")
			s.got(1, x, 2, 40, 101, 200)
		}, nil},
		"a grant whose time was over when it came": {func(s *tale) {
			s.got(0, x, 1, 0, 150, 100)
			s.got(1, x, 2, 20, 110, 200)
		}, nil},
		"readers together, then a writer": {func(s *tale) {
			s.got(0, driver.Shared, 1, 0, 10, 100)
			s.got(1, driver.Shared, 1, 0, 11, 100)
			s.released(0, 20, 30, OK)
			s.released(1, 20, 30, OK)
			s.got(2, x, 2, 5, 25, 100)
		}, nil},
		"permits, as many as there are": {func(s *tale) {
			s.got(0, driver.Slots(2), 1, 0, 10, 100)
			s.got(1, driver.Slots(2), 2, 0, 11, 100)
			s.released(0, 20, 30, OK)
			s.got(2, driver.Slots(2), 3, 5, 25, 100)
		}, nil},
		"an overlap because the store forgot": {func(s *tale) {
			s.got(0, x, 1, 0, 10, 100)
			s.broke(20, 30)
			s.got(1, x, 2, 40, 50, 200)
		}, nil},
		"an overlap with a process that the store heard nothing of": {func(s *tale) {
			s.got(0, x, 1, 0, 10, 100)
			s.records = append(s.records, Record{Op: Freeze, Process: "a", Call: 20, Return: 90})
			s.got(1, x, 2, 40, 50, 200)
		}, nil},
		"a stale write that was stopped": {func(s *tale) {
			s.got(0, x, 1, 0, 10, 100)
			s.got(1, x, 2, 20, 101, 200)
			s.wrote(1, 2, 110, 111, OK)
			s.wrote(0, 1, 112, 113, Refused)
		}, nil},

		"two holders": {func(s *tale) {
			s.got(0, x, 1, 0, 10, 100)
			s.got(1, x, 2, 20, 50, 200)
		}, []string{promiseApart, promiseModel}},
		"two holders, one of whom was renewed": {func(s *tale) {
			s.got(0, x, 1, 0, 10, 100)
			s.put(0, Record{Op: Hold, Key: "k", Call: 60, Until: 160})
			s.got(1, x, 2, 20, 101, 200)
		}, []string{promiseApart, promiseModel}},
		"two holders, while another process was frozen": {func(s *tale) {
			s.got(0, x, 1, 0, 10, 100)
			s.records = append(s.records, Record{Op: Freeze, Process: "b", Call: 12, Return: 15})
			s.got(1, x, 2, 20, 50, 200)
		}, []string{promiseApart, promiseModel}},
		"two holders after the store forgot": {func(s *tale) {
			s.broke(0, 5)
			s.got(0, x, 1, 6, 10, 100)
			s.got(1, x, 2, 20, 50, 200)
		}, []string{promiseApart, promiseModel}},
		"a token that comes again": {func(s *tale) {
			s.got(0, x, 1, 0, 10, 100)
			s.released(0, 20, 30, OK)
			s.got(1, x, 1, 5, 25, 100)
		}, []string{promiseTokens, promiseModel}},
		"a token that goes back": {func(s *tale) {
			s.got(0, x, 2, 0, 10, 100)
			s.released(0, 20, 30, OK)
			s.got(1, x, 1, 5, 25, 100)
		}, []string{promiseTokens, promiseModel}},
		"a token that goes back as the store forgets": {func(s *tale) {
			s.got(0, x, 2, 0, 10, 100)
			s.broke(20, 30)
			s.got(1, x, 1, 40, 50, 100)
		}, []string{promiseTokens, promiseTokens, promiseModel}},
		"a reader's token that an exclusive grant had": {func(s *tale) {
			s.got(0, x, 2, 0, 10, 100)
			s.released(0, 20, 30, OK)
			s.got(1, driver.Shared, 2, 40, 50, 100)
		}, []string{promiseTokens, promiseModel}},
		"a grant without a token": {func(s *tale) {
			s.got(0, driver.Shared, 0, 0, 10, 100)
			s.got(1, driver.Shared, 1, 0, 11, 100)
		}, []string{promiseTokens}},
		"too many permits": {func(s *tale) {
			s.got(0, driver.Slots(2), 1, 0, 10, 100)
			s.got(1, driver.Slots(2), 2, 0, 11, 100)
			s.got(2, driver.Slots(2), 3, 0, 12, 100)
		}, []string{promiseApart, promiseModel}},
		"a reader beside a writer": {func(s *tale) {
			s.got(0, driver.Shared, 1, 0, 10, 100)
			s.got(1, x, 2, 0, 20, 100)
		}, []string{promiseApart, promiseModel}},
		"a stale write that was taken": {func(s *tale) {
			s.got(0, x, 1, 0, 10, 100)
			s.got(1, x, 2, 20, 101, 200)
			s.wrote(1, 2, 110, 111, OK)
			s.wrote(0, 1, 112, 113, OK)
		}, []string{promiseWrites}},
		"a holder's write that was refused": {func(s *tale) {
			s.got(0, x, 1, 0, 10, 100)
			s.wrote(0, 1, 20, 30, Refused)
		}, []string{promiseWrites}},
	} {
		t.Run(name, func(t *testing.T) {
			s := &tale{grants: map[int]int{}}
			c.tell(s)
			picture := filepath.Join(t.TempDir(), "history")
			found, undecided, err := Check(s.records, picture, time.Minute)
			if err != nil || undecided != 0 {
				t.Fatalf("%d undecided, %v", undecided, err)
			}
			var promises []string
			for _, v := range found {
				promises = append(promises, v.Promise)
			}
			if !slices.Equal(promises, c.want) {
				t.Errorf("Check found %q, want %q:\n%v", promises, c.want, found)
			}
			_, err = os.Stat(picture + "-k.html")
			if drawn := err == nil; drawn != slices.Contains(c.want, promiseModel) {
				t.Errorf("the history was drawn: %t; only what the model refuses is to be", drawn)
			}
		})
	}
}

// What a killed process wrote last may be cut short.
func TestARecorderWritesWhatLoadReads(t *testing.T) {
	path := filepath.Join(t.TempDir(), "history")
	w, err := NewRecorder(path, "p1")
	if err != nil {
		t.Fatal(err)
	}
	want := Record{Op: Acquire, Process: "p1", Client: 1, Grant: 2, Key: "k", Mode: driver.Shared, Call: Now(), Return: Now(), Token: 1 << 62, Active: true, Until: 3, Result: OK}
	w.Put(want)
	if _, err := w.file.WriteString(`{"op":"rel`); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if got, err := Load(path); err != nil || len(got) != 1 || got[0] != want {
		t.Errorf("Load = %+v, %v; want %+v", got, err, want)
	}
}
