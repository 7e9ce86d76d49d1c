package chaos

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"

	"golang.org/x/sys/unix"

	"github.com/concurrent-go/concurrent/driver"
)

// Now is the kernel's monotonic clock in nanoseconds: one clock for all
// processes of the machine, which nobody sets.
func Now() int64 {
	var ts unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &ts); err != nil {
		panic(err) // no kernel is without it
	}
	return ts.Nano()
}

// An Op says what a Record is of.
type Op string

// The operations.
const (
	Acquire   Op = "acquire"   // an Acquire returned
	Hold      Op = "hold"      // the lease was active at Call, until Until
	Extend    Op = "extend"    // Extend is about to be called, for an end at Until
	Loss      Op = "loss"      // the holder was told of a loss, or saw it
	Releasing Op = "releasing" // Release is about to be called
	Release   Op = "release"   // Release returned
	Write     Op = "write"     // the resource answered
	Kill      Op = "kill"      // Process is about to be killed
	Freeze    Op = "freeze"    // Process stood still, for longer than the store allows
	Break     Op = "break"     // a fault broke the store's own promise
	Trouble   Op = "trouble"   // another fault
)

// Results of operations. Another is the text of an error after which the store
// may or may not have done what it was asked.
const (
	OK      = "ok"
	Refused = "refused" // another holds the key, or the resource has seen a larger token
	Lost    = "lost"
)

// A Record is one line of a history. Times are Now's.
type Record struct {
	Op      Op          `json:"op"`
	Process string      `json:"process,omitempty"`
	Client  int         `json:"client,omitempty"`
	Grant   int         `json:"grant,omitempty"` // numbers a client's acquires
	Key     string      `json:"key,omitempty"`
	Mode    driver.Mode `json:"mode,omitempty"`
	Call    int64       `json:"call"`
	Return  int64       `json:"return,omitempty"`
	Token   uint64      `json:"token,omitempty"`
	Active  bool        `json:"active,omitempty"` // of an acquire: Active said so after Return was taken
	Until   int64       `json:"until,omitempty"`  // how long the lock said that it would stay active
	Result  string      `json:"result,omitempty"`
}

// A Recorder writes records to a file, each at once: what a process that is
// killed had seen is there. It is safe for concurrent use.
type Recorder struct {
	process string
	mu      sync.Mutex
	file    *os.File
}

// NewRecorder appends to the file at path what process does.
func NewRecorder(path, process string) (*Recorder, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o666)
	if err != nil {
		return nil, err
	}
	return &Recorder{process: process, file: f}, nil
}

// Put writes r. A history that can't be written is worth nothing: it panics.
func (w *Recorder) Put(r Record) {
	if r.Process == "" {
		r.Process = w.process
	}
	line, err := json.Marshal(r)
	if err != nil {
		panic(err)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if _, err := w.file.Write(append(line, '\n')); err != nil {
		panic(err)
	}
}

// Close ends the file.
func (w *Recorder) Close() error { return w.file.Close() }

// Load reads the records of a file. The last line may be cut short, by the
// death of who wrote it.
func Load(path string) ([]Record, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	var records []Record
	for in := bufio.NewReader(f); ; {
		line, err := in.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			return records, nil
		}
		if err != nil {
			return nil, err
		}
		var r Record
		if err := json.Unmarshal(line, &r); err != nil {
			return nil, fmt.Errorf("%s: record %d: %w", path, len(records)+1, err)
		}
		records = append(records, r)
	}
}
