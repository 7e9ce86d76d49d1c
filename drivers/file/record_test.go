package file

import (
	"bytes"
	"math"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/concurrent-go/concurrent/driver"
)

func sample() []*entry {
	return []*entry{
		{key: "plain", holdings: []holding{{
			owner: "o", mode: driver.Exclusive, seat: seat{3, math.MaxUint64}, token: maxToken,
			since: -1, until: forever, who: driver.Holder{Host: "h", PID: -5, Label: strings.Repeat("l", 255)},
		}}},
		{key: "\x00\xff" + strings.Repeat("k", driver.MaxKey-2), holdings: []holding{
			{owner: "a", mode: driver.Slots(driver.MaxSlots), seat: seat{maxSlots - 1, 1}, token: 1, until: 5},
			{owner: "b", mode: driver.Shared, token: 2, until: 9, kept: true},
		}, line: []waiting{
			{owner: "w", mode: driver.Shared, seat: seat{1, 2}, called: 77},
			{owner: "x", mode: driver.Exclusive, passed: true},
		}},
		{key: "line", holdings: []holding{}, line: []waiting{{owner: "y"}}},
	}
}

func encodeAll(im *image, es []*entry) []byte {
	b := im.appendHeader(nil)
	for _, e := range es {
		b, _ = e.append(b, nil)
	}
	return seal(b)
}

func decodeAll(b []byte) (image, []*entry, error) {
	var im image
	if err := decodeImage(b, &im); err != nil {
		return im, nil, err
	}
	var es []*entry
	for i := range im.parked {
		e, err := im.parked[i].decode()
		if err != nil {
			return im, nil, err
		}
		es = append(es, e)
	}
	im.parked = nil
	return im, es, nil
}

func TestWhatIsWrittenIsReadBack(t *testing.T) {
	t.Parallel()
	im := image{boot: [16]byte{1, 15: 9}, at: 7, wall: -8, last: maxToken}
	got, es, err := decodeAll(encodeAll(&im, sample()))
	if err != nil || !reflect.DeepEqual(got, im) || !reflect.DeepEqual(es, sample()) {
		t.Errorf("%+v, %+v, %v", got, es, err)
	}
}

func TestEveryChangedByteIsNoticed(t *testing.T) {
	t.Parallel()
	b := encodeAll(&image{last: 9}, sample())
	end := headerSize + int(b[12]) + int(b[13])<<8
	for i := range end {
		c := bytes.Clone(b)
		c[i] ^= 1 << (i % 8)
		if _, _, err := decodeAll(c); err == nil {
			t.Errorf("byte %d changed and nobody noticed", i)
		}
	}
	for n := range len(b) {
		if _, _, err := decodeAll(b[:n]); err == nil {
			t.Errorf("cut to %d bytes and nobody noticed", n)
		}
	}
}

// Small inputs: the fuzzer shortens what it finds, which takes a minute for a
// kilobyte.
func FuzzDecode(f *testing.F) {
	small := []*entry{
		{key: "k", holdings: []holding{{owner: "o", token: 1, until: 5, who: driver.Holder{Host: "h", PID: 7, Label: "l"}}}},
		{key: "s", holdings: []holding{{owner: "a", mode: driver.Slots(2), until: forever, kept: true}}, line: []waiting{{owner: "w", passed: true}}},
	}
	f.Add(encodeAll(&image{last: 9}, nil)[:headerSize])
	for _, e := range small {
		record, _ := e.append(nil, nil)
		f.Add(record)
	}
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) > 300 {
			return
		}
		_, _, _ = decodeAll(append(bytes.Clone(b), make([]byte, minFile-len(b))...))
		// The checksum keeps most inputs out: take b as the records, too.
		im := image{last: 1}
		whole := seal(append(im.appendHeader(nil), b...))
		head, es, err := decodeAll(whole)
		if err != nil {
			return
		}
		again, es2, err := decodeAll(encodeAll(&head, es))
		if err != nil || !reflect.DeepEqual(again, head) || !reflect.DeepEqual(es2, es) {
			t.Fatalf("%+v is read back as %+v, %v", es, es2, err)
		}
	})
}

func TestAfterARestartOfTheMachineOnlyKeptKeysAreHeld(t *testing.T) {
	t.Parallel()
	const second = int64(time.Second)
	wall := time.Unix(1000, 0)
	im := image{boot: [16]byte{1}, at: 500 * second, wall: wall.UnixNano()}
	es := []*entry{
		{key: "live", holdings: []holding{{owner: "o", until: forever}}, line: []waiting{{owner: "w"}}},
		{key: "kept", holdings: []holding{{until: 560 * second, kept: true}}},
		{key: "ever", holdings: []holding{{until: forever, kept: true}}},
	}
	var old image
	if err := decodeImage(encodeAll(&im, es), &old); err != nil {
		t.Fatal(err)
	}
	boot := [16]byte{2}
	got, err := old.afterBoot(boot, 10*second, wall.Add(20*time.Second))
	if err != nil || len(got) != 3 || old.boot != boot || len(old.parked) != 0 {
		t.Fatalf("%v, %v", got, err)
	}
	if len(got[0].holdings) != 0 || len(got[0].line) != 0 {
		t.Errorf("who held or waited before the restart is still there: %+v", got[0])
	}
	if h := got[1].holdings; len(h) != 1 || h[0].until != 50*second {
		t.Errorf("kept for 60 s, of which the restart took 20, at 10 s: ends at %+v, want 50 s", h)
	}
	if h := got[2].holdings; len(h) != 1 || h[0].until != forever {
		t.Errorf("kept forever: %+v", h)
	}
}

func TestTornFilesOfAnEarlierBootAreRemoved(t *testing.T) {
	t.Parallel()
	dir := dirFor(t)
	s := openTest(t, dir)
	torn, whole := request(keyIn(1), time.Hour), request(keyIn(2), time.Hour)
	acquire(t, s, torn)
	acquire(t, s, whole)
	before := acquire(t, s, request(keyIn(1)+"x", time.Hour)).Token
	if err := s.Keep(t.Context(), whole); err != nil {
		t.Fatal(err)
	}
	boot := s.place.boot
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(s.place.shards[1].data, nil, 0o600); err != nil {
		t.Fatal(err)
	}

	if err := checkBoot(t.Context(), dir, boot); err != nil {
		t.Fatal(err)
	}
	if _, err := openTest(t, dir).TryAcquire(t.Context(), request(keyIn(1), time.Hour)); err == nil {
		t.Fatal("a file torn in the same boot is taken for empty")
	}
	other := boot
	other[0]++
	if err := checkBoot(t.Context(), dir, other); err != nil {
		t.Fatal(err)
	}
	s = openTest(t, dir)
	if g := acquire(t, s, request(keyIn(1), time.Hour)); g.Token <= before {
		t.Errorf("token %d after %d", g.Token, before)
	}
	if _, err := s.TryAcquire(t.Context(), request(whole.Key, time.Hour)); err == nil {
		t.Error("a whole file was removed with the torn one")
	}
}
