package file

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"math"
	"time"

	"github.com/concurrent-go/concurrent/driver"
)

// A state file is a header, one record for each key in use, and zeros up to
// its padded size. Numbers are little-endian or varints.
//
//	 0  magic, its last byte the version
//	 8  CRC-32C of all that follows up to the end of the records
//	12  length of the records
//	16  boot id of the machine when it was written
//	32  the store's clock when it was written
//	40  the wall clock when it was written, Unix ns
//	48  the last token given, spare ones included
//	56  records
const (
	magic      = "conclck\x01"
	headerSize = 56
	minFile    = 512
	maxFile    = 1 << 30
)

// maxToken is the largest token that can be in a state file.
const maxToken = math.MaxInt64

// forever as the end of a lease is no end.
const forever = math.MaxInt64

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// An image is the content of a state file.
type image struct {
	boot   [16]byte
	at     int64 // store's clock
	wall   int64
	last   uint64
	parked []parked
}

// A parked record is one that nobody asked for: it is copied as it is.
type parked struct {
	key  []byte
	ends int64  // the store may forget the key then
	raw  []byte // key, ends and length included
}

// A seat is one Store's place in the directory: its slot and, since slots are
// used again, a number that no other user of the slot had.
type seat struct {
	slot uint32
	life uint64
}

// A holding is one lease.
type holding struct {
	owner string
	mode  driver.Mode
	seat  seat
	token uint64
	since int64 // wall clock, Unix ns
	until int64 // store's clock, or forever
	kept  bool  // held by nobody: owner and seat mean nothing
	who   driver.Holder
}

// A place in the line for a key.
type waiting struct {
	owner  string
	mode   driver.Mode
	seat   seat
	called int64 // until then the key is reserved for it; 0: not called
	passed bool  // did not come when called: others go first until it shows up
}

// An entry is what a state file says of one key.
type entry struct {
	key      string
	holdings []holding
	line     []waiting
}

var errTorn = errors.New("the content ends early or was changed")

// decodeImage parses a state file. The image refers to b.
func decodeImage(b []byte, im *image) error {
	im.parked = im.parked[:0]
	switch {
	case len(b) < headerSize || !bytes.Equal(b[:len(magic)-1], []byte(magic[:len(magic)-1])):
		return errors.New("it is not a state file of this package")
	case b[len(magic)-1] != magic[len(magic)-1]:
		return fmt.Errorf("it has format %d, this program knows format %d", b[len(magic)-1], magic[len(magic)-1])
	}
	n := int(binary.LittleEndian.Uint32(b[12:]))
	if n > maxFile || len(b) != padded(headerSize+n) {
		return errTorn
	}
	if crc32.Checksum(b[12:headerSize+n], castagnoli) != binary.LittleEndian.Uint32(b[8:]) {
		return errTorn
	}
	copy(im.boot[:], b[16:])
	im.at = int64(binary.LittleEndian.Uint64(b[32:]))
	im.wall = int64(binary.LittleEndian.Uint64(b[40:]))
	im.last = binary.LittleEndian.Uint64(b[48:])
	if im.last > maxToken {
		return errTorn
	}
	return im.park(b[headerSize : headerSize+n])
}

func (im *image) park(b []byte) error {
	for len(b) > 0 {
		n, w := binary.Uvarint(b)
		if w <= 0 || n < 8 || n > uint64(len(b)-w) {
			return errTorn
		}
		raw := b[:w+int(n)]
		p := parked{ends: int64(binary.LittleEndian.Uint64(raw[w:])), raw: raw}
		d := decoder{b: raw[w+8:]}
		p.key = d.bytes()
		if d.bad {
			return errTorn
		}
		im.parked = append(im.parked, p)
		b = b[len(raw):]
	}
	return nil
}

// appendHeader begins a state file, to be ended with seal.
func (im *image) appendHeader(b []byte) []byte {
	b = append(b, magic...)
	b = append(b, make([]byte, 8)...)
	b = append(b, im.boot[:]...)
	b = binary.LittleEndian.AppendUint64(b, uint64(im.at))
	b = binary.LittleEndian.AppendUint64(b, uint64(im.wall))
	return binary.LittleEndian.AppendUint64(b, im.last)
}

// seal fills in length and checksum, and pads: sizes then seldom change.
func seal(b []byte) []byte {
	n := len(b)
	binary.LittleEndian.PutUint32(b[12:], uint32(n-headerSize))
	binary.LittleEndian.PutUint32(b[8:], crc32.Checksum(b[12:n], castagnoli))
	return append(b, make([]byte, padded(n)-n)...)
}

// padded returns the size of a file of n bytes: half as much again at most.
func padded(n int) int {
	size := minFile
	for size < n {
		if size+size/2 >= n {
			return size + size/2
		}
		size *= 2
	}
	return size
}

// append adds e's record to b, made with scratch.
func (e *entry) append(b, scratch []byte) (out, used []byte) {
	s := binary.LittleEndian.AppendUint64(scratch[:0], uint64(e.ends()))
	s = appendString(s, e.key)
	s = binary.AppendUvarint(s, uint64(len(e.holdings)))
	for i := range e.holdings {
		s = e.holdings[i].append(s)
	}
	s = binary.AppendUvarint(s, uint64(len(e.line)))
	for i := range e.line {
		s = e.line[i].append(s)
	}
	return append(binary.AppendUvarint(b, uint64(len(s))), s...), s
}

// ends returns when nothing of e can be in force any more, by the clock alone.
func (e *entry) ends() (t int64) {
	if len(e.line) > 0 {
		return forever
	}
	for i := range e.holdings {
		t = max(t, e.holdings[i].until)
	}
	return t
}

func (h *holding) append(b []byte) []byte {
	b = append(b, flag(h.kept))
	b = appendString(b, h.owner)
	b = binary.AppendVarint(b, int64(h.mode))
	b = h.seat.append(b)
	b = binary.LittleEndian.AppendUint64(b, h.token)
	b = binary.LittleEndian.AppendUint64(b, uint64(h.since))
	b = binary.LittleEndian.AppendUint64(b, uint64(h.until))
	b = appendString(b, h.who.Host)
	b = binary.AppendVarint(b, int64(h.who.PID))
	return appendString(b, h.who.Label)
}

func (w *waiting) append(b []byte) []byte {
	b = append(b, flag(w.passed))
	b = appendString(b, w.owner)
	b = binary.AppendVarint(b, int64(w.mode))
	b = w.seat.append(b)
	return binary.LittleEndian.AppendUint64(b, uint64(w.called))
}

func (s seat) append(b []byte) []byte {
	b = binary.AppendUvarint(b, uint64(s.slot))
	return binary.LittleEndian.AppendUint64(b, s.life)
}

func appendString(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

func flag(f bool) byte {
	if f {
		return 1
	}
	return 0
}

// decode returns the entry of a parked record, which refers to it no more. All
// its texts are parts of one string: a line may be long.
func (p *parked) decode() (*entry, error) {
	_, w := binary.Uvarint(p.raw)
	d := decoder{b: p.raw[w+8:], texts: string(p.raw[w+8:])}
	e := &entry{key: d.text(driver.MaxKey)}
	n := d.count(32)
	e.holdings = make([]holding, 0, n+1)
	for range n {
		e.holdings = append(e.holdings, d.holding())
	}
	if n = d.count(20); n > 0 {
		e.line = make([]waiting, 0, n+1)
	}
	for range n {
		e.line = append(e.line, d.waiting())
	}
	if d.bad || len(d.b) > 0 || e.key == "" || e.ends() != p.ends {
		return nil, errTorn
	}
	return e, nil
}

// A decoder takes values from b. Once one is missing, bad is true and all
// further values are zero.
type decoder struct {
	b     []byte
	texts string // what b was at first
	bad   bool
}

func (d *decoder) take(n uint64) []byte {
	if d.bad || n > uint64(len(d.b)) {
		d.bad = true
		return nil
	}
	b := d.b[:n]
	d.b = d.b[n:]
	return b
}

func (d *decoder) uvarint() uint64 {
	v, n := binary.Uvarint(d.b)
	if n <= 0 {
		d.bad = true
	}
	d.take(uint64(max(n, 0)))
	return v
}

func (d *decoder) varint() int64 {
	u := d.uvarint()
	return int64(u>>1) ^ -int64(u&1)
}

func (d *decoder) uint64() uint64 {
	if b := d.take(8); b != nil {
		return binary.LittleEndian.Uint64(b)
	}
	return 0
}

func (d *decoder) bytes() []byte { return d.take(d.uvarint()) }

func (d *decoder) text(most int) string {
	n := len(d.bytes())
	d.bad = d.bad || n > most
	end := len(d.texts) - len(d.b)
	return d.texts[end-n : end]
}

func (d *decoder) flag() bool {
	b := d.take(1)
	if b == nil || b[0] > 1 {
		d.bad = true
		return false
	}
	return b[0] == 1
}

// count returns how many items follow that take at least size bytes each.
func (d *decoder) count(size int) int {
	n := d.uvarint()
	if d.bad || n > uint64(len(d.b)/size) {
		d.bad = true
		return 0
	}
	return int(n)
}

func (d *decoder) mode() driver.Mode {
	v := d.varint()
	m := driver.Mode(v)
	d.bad = d.bad || int64(m) != v || !m.Valid()
	return m
}

func (d *decoder) seat() seat {
	n := d.uvarint()
	d.bad = d.bad || n >= maxSlots
	return seat{slot: uint32(n), life: d.uint64()}
}

const maxText = 255

func (d *decoder) holding() holding {
	h := holding{kept: d.flag(), owner: d.text(maxText), mode: d.mode(), seat: d.seat(), token: d.uint64()}
	h.since, h.until = int64(d.uint64()), int64(d.uint64())
	h.who = driver.Holder{Host: d.text(maxText), PID: int(d.varint()), Label: d.text(maxText)}
	return h
}

func (d *decoder) waiting() waiting {
	return waiting{
		passed: d.flag(), owner: d.text(maxText), mode: d.mode(), seat: d.seat(),
		called: int64(d.uint64()),
	}
}

// afterBoot changes im, written in an earlier life of the machine, into what
// it means now: nobody lives who held or waited, and what was kept ends when
// it would have by the wall clock, the one that runs on while a machine is
// off.
func (im *image) afterBoot(boot [16]byte, now int64, wall time.Time) ([]*entry, error) {
	off := max(0, wall.UnixNano()-im.wall)
	var es []*entry
	for i := range im.parked {
		e, err := im.parked[i].decode()
		if err != nil {
			return nil, err
		}
		kept := e.holdings[:0]
		for _, h := range e.holdings {
			if !h.kept {
				continue
			}
			if h.until != forever {
				h.until = now + (h.until - im.at) - off
			}
			kept = append(kept, h)
		}
		e.holdings, e.line = kept, nil
		es = append(es, e)
	}
	im.boot, im.parked = boot, im.parked[:0]
	return es, nil
}
