package redis

import (
	"math"
	"strings"
	"testing"
)

// hashOf is the field r of a lock that two share until ends, with a queue.
func hashOf(queue string) map[string]any {
	const lease = "C\x19o\xfbv\xe5\x9c\x00C\x19o\xfbh\x97\x80\x00C\x19o\xfbh\x97\x80\x00\xff\xff\xff\xffchannel01234\x01h\x01l7"
	return map[string]any{
		"oo": lease, "op": lease,
		"r": "\x02C\x19o\xfbh\x97\x80\x04C\x19o\xfbv\xe5\x9c\x00C\x19o\xfbv\xe5\x9c\x00\xff\xff\xff\xff\x00\x00\x00)\x00\x00\x04\x00\x00\x00\x02" + queue,
	}
}

// malformed are queues that are none, or are none from somewhere on.
func malformed() map[string]string {
	good := entryOf(livingStore, 1, aliveUntil, "")
	takes := entryOf(livingStore, 2, aliveUntil, "\x01q\x01h\x01l7")
	long := strings.Repeat(entryOf(deadStore, 3, deadAt, "\x01q\x01h\x01l7"), 40)
	bad := map[string]string{
		"a byte":                           "\x00",
		"cut short":                        good[:len(good)-1],
		"cut after its size":               good[:2],
		"a size of nothing":                "\x00\x00" + good[2:],
		"a size too small":                 "\x00\x1b" + good[2:],
		"a size too large":                 "\xff\xff" + good[2:],
		"alive until no number":            entryOf(livingStore, 4, math.NaN(), ""),
		"alive until before all time":      entryOf(livingStore, 4, math.Inf(-1), ""),
		"alive until after all time":       entryOf(livingStore, 4, math.Inf(1), ""),
		"an owner longer than its entry":   entryOf(livingStore, 4, aliveUntil, "\xffq\x01h"),
		"two bytes between two entries":    "\x00+" + good,
		"text":                             strings.Repeat("text", 20),
		"zeros":                            strings.Repeat("\x00", 900),
		"the rest of an entry that is cut": good[5:] + takes,
	}
	all := map[string]string{"nothing": "", "fine": good + takes, "long and fine": long + good}
	for name, text := range bad {
		all[name], all[name+", second"], all[name+", then one"] = text, takes+text, text+good
		all[name+", far behind"], all[name+", then many"] = long+text+good, text+long
	}
	return all
}

// A queue that another program left malformed, or a fault, costs those behind the bad
// entry their place and nothing else: the holder keeps the key, gives it back, and whoever
// asks is served.
func TestMalformedQueueIsCutOff(t *testing.T) {
	q := startQueue(t)
	for name, queue := range malformed() {
		t.Run(name, func(t *testing.T) {
			q.t = t
			q.serves(queue)
		})
	}
}

// FuzzQueue gives the scripts queues that are not well formed, or are by accident.
func FuzzQueue(f *testing.F) {
	for _, queue := range malformed() {
		f.Add(queue)
	}
	q := startQueue(f)
	f.Fuzz(func(t *testing.T, queue string) {
		if len(queue) > 20_000 {
			t.Skip("it takes too long")
		}
		q.t = t
		q.serves(queue)
	})
}

// serves has each script meet a queue, behind a record and in a hash.
func (q *queueServer) serves(queue string) {
	q.t.Helper()
	q.now = queueNow
	name := nameOf(livingStore, 77)
	for _, set := range []func(){
		func() { q.set(recordOf("o", heldTill, queue)) },
		func() { q.set(recordOf("o", 0, queue)) },
		func() { q.setHash(queue) },
	} {
		for _, call := range []struct {
			script string
			args   []any
		}{
			{"inspect", []any{0}},
			{"acquire", []any{"1", 0, 60_000_000, 61_000, livingStore + "\x01h\x01l7", "1", "p"}},
			{"acquire", []any{"1", 0, 60_000_000, 61_000, livingStore + "\x01h\x01l7", "1", "o"}},
			{"acquire", []any{"1", 0, 60_000_000, 61_000, livingStore + "\x01h\x01l7", "1", "p", name}},
			{"acquire", []any{"1", 0, 60_000_000, 61_000, livingStore + "\x01h\x01l7", "1", "p", name + "+"}},
			{"acquire", []any{"1", 0, 60_000_000, 61_000, livingStore + "\x01h\x01l7", "", "p", name + "100"}},
			{"acquire", []any{"1", -1, 60_000_000, 61_000, livingStore + "\x01h\x01l7", "", "p", name}},
			{"acquire", []any{"1", 3, "", "", livingStore + "\x01h\x01l7", "", "p", name + "99999999"}},
			{"extend", []any{0, 60_000_000, 61_000, "o"}},
			{"extend", []any{-1, 60_000_000, 61_000, "o"}},
			{"release", []any{"1", 0, "o"}},
			{"release", []any{"", 0, "o"}},
			{"release", []any{"1", -1, "o"}},
			{"leave", []any{"1", 0, "o", ""}},
			{"leave", []any{"1", 0, "p", name}},
			{"leave", []any{"1", -1, "o", name + "60"}},
			{"keep", []any{0, 0, "o"}},
			{"keep", []any{-1, 0, "o"}},
			{"break", []any{"1"}},
		} {
			set()
			q.run(call.script, call.args...)
		}
		set()
		q.isServed(name)
	}
}

// isServed has a waiter with a name wait, and the key given back, until it has it.
func (q *queueServer) isServed(name string) {
	q.t.Helper()
	q.now = queueNow
	if q.acquire("p", name)[0].(int64) > 2 {
		return
	}
	q.run("extend", 0, 60_000_000, 61_000, "o")
	q.run("release", "1", 0, "o")
	q.run("release", "1", -1, "o")
	q.run("release", "1", -1, "p")
	for range 3000 {
		if q.acquire("p", name)[0].(int64) > 2 {
			return
		}
		q.now += 600_000
	}
	q.t.Fatal("the waiter is not served")
}

func (q *queueServer) setHash(queue string) {
	q.t.Helper()
	pipe := q.client.TxPipeline()
	pipe.Del(q.t.Context(), queueKey)
	pipe.HSet(q.t.Context(), queueKey, hashOf(queue))
	if _, err := pipe.Exec(q.t.Context()); err != nil {
		q.t.Fatal(err)
	}
}

// Those who wait and die stay behind until they are first. They cost the server no more
// than a moment then, however many they are, and nobody who is alive his turn.
func TestManyDeadWaitersGoInPieces(t *testing.T) {
	const many, moment = 10_000, 200 // ms: a second and more where each costs as much as all
	q := startQueue(t)
	for name, dead := range map[string]func(int) bool{"all": anyOf, "every other": everyOdd, "all but the last": func(i int) bool { return i < many-1 }} {
		q.set(recordOf("o", heldTill, crowdOf(many, dead)))
		if took := q.took(func() { q.run("release", "1", 0, "o") }); took.Milliseconds() > moment {
			t.Errorf("%s are dead: the release took the server %v", name, took)
		}
		asked := 0
		for ; dead(0); asked++ {
			var reply []any
			if took := q.took(func() { reply = q.acquire("p", "") }); took.Milliseconds() > moment {
				t.Errorf("%s are dead: whoever asked next took the server %v", name, took)
			}
			if reply[0] != int64(0) || reply[1].(int64) > 1 {
				break // it has the key, or it is another's turn
			}
		}
		if asked > many/500 {
			t.Errorf("%s are dead: the first that is alive had to be asked for %d times", name, asked)
		}
		if name != "every other" && q.length() > 3000 {
			t.Errorf("%s are dead, and the record has %d bytes still", name, q.length())
		}
	}
}

// Whoever joins has some of the dead leave, so that a key that is held for long does not
// collect them.
func TestDeadWaitersGoWhileTheKeyIsHeld(t *testing.T) {
	q := startQueue(t)
	q.set(recordOf("o", heldTill, crowdOf(3000, anyOf)))
	for i := range 60 {
		q.acquire("p", nameOf(livingStore, i)+"+")
	}
	if n := q.run("inspect", 0).([]any)[0]; n != int64(60) {
		t.Errorf("%v wait, want 60: the first 1000 are read first", n)
	}
	if n := q.length(); n > 20_000 {
		t.Errorf("the record has %d bytes still", n)
	}
}
