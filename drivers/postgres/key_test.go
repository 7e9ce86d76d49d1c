package postgres

import "testing"

// A schema and a key that follow each other must not be taken for another two.
func TestNumbersTellSchemaAndKeyApart(t *testing.T) {
	seen := make(map[int64]string)
	for _, of := range [][2]string{{"a", "bc"}, {"ab", "c"}, {"a", "b"}, {"a", "bc\x00"}, {"a", "\x00bc"}, {"b", "bc"}, {"a", ""}} {
		n := numberOf(of[0], of[1])
		if other, ok := seen[n]; ok {
			t.Errorf("%q and %s have one number", of, other)
		}
		seen[n] = of[0] + "/" + of[1]
	}
}

// Processes of different versions share locks: a change here is a break.
func TestNumbersStayTheSame(t *testing.T) {
	const want = -6708753108669438896 // of SHA-256 over "\x0aconcurrentreport:2026-11"
	if n := numberOf("concurrent", "report:2026-11"); n != want {
		t.Errorf("the number of a key is %d, was %d", n, int64(want))
	}
}

func TestTheNumbersOfAKeyDiffer(t *testing.T) {
	seen := make(map[int64]bool)
	for lock := range int64(1000) {
		p := placesOf(lock - 500)
		for _, n := range []int64{p.wait, p.writer, p.gate, p.shared, p.permits, p.uneven, p.slot(0), p.slot(1<<slotBits - 1), p.size(1), p.size(1 << slotBits)} {
			if seen[n] || n >= -500 && n < 500 {
				t.Fatalf("number %d of lock %d is another's too", n, p.lock)
			}
			seen[n] = true
		}
	}
}

func TestALeaseIsOfTheLongestClassThatIsNotLonger(t *testing.T) {
	for i, idle := range idles {
		if classOf(idle) != i || i > 0 && classOf(idle-1) != i-1 {
			t.Errorf("a lease of %v is of class %d, one a nanosecond shorter of %d; want %d, %d", idle, classOf(idle), classOf(idle-1), i, i-1)
		}
	}
	if classOf(minLease) != 0 || classOf(longest) != len(idles)-1 {
		t.Error("the shortest and the longest lease are of the first and the last class")
	}
}

func TestScriptsSayWhatTheyDo(t *testing.T) {
	entries, err := files.ReadDir("sql")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		b, err := files.ReadFile("sql/" + e.Name())
		if err != nil {
			t.Fatal(err)
		}
		if len(b) < 2 || string(b[:2]) != "--" {
			t.Errorf("sql/%s does not say first what it does", e.Name())
		}
	}
}
