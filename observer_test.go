package concurrent_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/concurrent-go/concurrent"
	"github.com/concurrent-go/concurrent/driver"
)

// recorder keeps what it is told.
type recorder struct {
	mu     sync.Mutex
	events []concurrent.Event
}

func (r *recorder) Observe(_ context.Context, e concurrent.Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.events = append(r.events, e)
}

func TestObserverIsNilWithoutObservers(t *testing.T) {
	r := configured(t, newBackend(t))
	o := open(t, r, "default")
	if o.Observer() != nil {
		t.Fatalf("Observer = %v, want nil", o.Observer())
	}
	first := new(recorder)
	r.Observe(first)
	second, third := new(recorder), new(recorder)
	r.Observe(second)
	before := o.Observer()
	r.Observe(third)
	e := concurrent.Event{Kind: concurrent.EventLost, Alias: "default", Key: "k", Token: 3, Took: time.Second, Err: driver.ErrNotHeld}
	o.Observer().Observe(t.Context(), e)
	before.Observe(t.Context(), e) // made before the third was added
	for who, c := range map[string]struct {
		got  *recorder
		want int
	}{"first": {first, 2}, "second": {second, 2}, "third": {third, 1}} {
		if len(c.got.events) != c.want || c.got.events[0] != e {
			t.Errorf("%s was told %v", who, c.got.events)
		}
	}
}

func TestObserveRefusesNil(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("Observe of nil did not panic")
		}
	}()
	registry(t).Observe(nil)
}

func TestStoreWarningsAreToldOnceToEachObserver(t *testing.T) {
	b := newBackend(t)
	raw := "probe://u:s3cr3t@" + b.url[len("probe://"):]
	evicts, cluster := errors.New("it evicts keys"), fmt.Errorf("%s is a cluster", raw)
	b.open = func(context.Context) (driver.Store, error) {
		return &probeStore{backend: b, warnings: []error{evicts, cluster}}, nil
	}
	r := registry(t)
	r.MustConfigure(concurrent.Aliases{"a": {URL: raw}, "other": {URL: newBackend(t).url}})
	before, after := new(recorder), new(recorder)
	r.Observe(before)
	if len(before.events) != 0 {
		t.Errorf("told before anything was open: %v", before.events)
	}
	for range 2 {
		open(t, r, "a")
		open(t, r, "other")
	}
	r.Observe(after)
	for who, got := range map[string]*recorder{"before": before, "after": after} {
		if len(got.events) != 2 {
			t.Fatalf("who came %s was told %v", who, got.events)
		}
		first, second := got.events[0], got.events[1]
		if first != (concurrent.Event{Kind: concurrent.EventStoreWarning, Alias: "a", Err: evicts}) {
			t.Errorf("who came %s was told %+v", who, first)
		}
		showsNot(t, "a warning", second.Err.Error(), secret)
		if !errors.Is(second.Err, cluster) {
			t.Errorf("the warning does not match the store's: %v", second.Err)
		}
	}
}

func TestEventKindNames(t *testing.T) {
	var names []string
	for k := concurrent.EventAcquired; k <= concurrent.EventStoreWarning; k++ {
		names = append(names, k.String())
	}
	want := []string{"acquired", "refused", "waiting", "renewed", "renewal failed", "lost", "released", "leaked", "store warning"}
	if !slices.Equal(names, want) {
		t.Errorf("names are %q", names)
	}
	for k, want := range map[concurrent.EventKind]string{0: "event 0", 10: "event 10", 255: "event 255"} {
		if k.String() != want {
			t.Errorf("%d is %q", k, k)
		}
	}
}

func logTo(out *bytes.Buffer, level slog.Level) *slog.Logger {
	return slog.New(slog.NewTextHandler(out, &slog.HandlerOptions{
		Level: level,
		ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
			if a.Key == slog.TimeKey {
				return slog.Attr{}
			}
			return a
		},
	}))
}

func TestSlog(t *testing.T) {
	const all = `level=DEBUG msg="lock acquired" alias=a key="a b" token=7 took=1s
level=DEBUG msg="lock refused" alias=a key=k took=1ms err="driver: key is held"
level=DEBUG msg="lock waiting" alias=a key=k
level=DEBUG msg="lock renewed" alias=a key=k token=7
level=WARN msg="lock renewal failed" alias=a key=k token=7 err="driver: store unavailable"
level=ERROR msg="lock lost" alias=a key=k token=7 err="driver: key is not held by this owner"
level=DEBUG msg="lock released" alias=a key=k
level=WARN msg="lock leaked" alias=a key=k
level=WARN msg="store warning" alias=a err="it evicts keys"
level=WARN msg="store warning" alias=a key=k id=9 err="it is away"
level=DEBUG msg="lock released" alias=a key=k id=8 label=me mode=shared token=7 held=1m0s
level=DEBUG msg="lock acquired" alias=a key=k id=10 mode=slots(3)
`
	for level, want := range map[slog.Level]string{
		slog.LevelDebug: all,
		slog.LevelWarn:  only(all, "level=WARN", "level=ERROR"),
		slog.LevelError: only(all, "level=ERROR"),
	} {
		var out bytes.Buffer
		tell(t.Context(), concurrent.Slog(logTo(&out, level)))
		if out.String() != want {
			t.Errorf("at %v it logs\n%s, want\n%s", level, out.String(), want)
		}
	}
}

func only(lines string, prefixes ...string) string {
	var kept strings.Builder
	for line := range strings.Lines(lines) {
		if slices.ContainsFunc(prefixes, func(p string) bool { return strings.HasPrefix(line, p) }) {
			kept.WriteString(line)
		}
	}
	return kept.String()
}

func tell(ctx context.Context, o concurrent.Observer) {
	for _, e := range []concurrent.Event{
		{Kind: concurrent.EventAcquired, Alias: "a", Key: "a b", Token: 7, Took: time.Second},
		{Kind: concurrent.EventRefused, Alias: "a", Key: "k", Took: time.Millisecond, Err: driver.ErrHeld},
		{Kind: concurrent.EventWaiting, Alias: "a", Key: "k"},
		{Kind: concurrent.EventRenewed, Alias: "a", Key: "k", Token: 7},
		{Kind: concurrent.EventRenewalFailed, Alias: "a", Key: "k", Token: 7, Err: driver.ErrUnavailable},
		{Kind: concurrent.EventLost, Alias: "a", Key: "k", Token: 7, Err: driver.ErrNotHeld},
		{Kind: concurrent.EventReleased, Alias: "a", Key: "k"},
		{Kind: concurrent.EventLeaked, Alias: "a", Key: "k"},
		{Kind: concurrent.EventStoreWarning, Alias: "a", Err: errors.New("it evicts keys")},
		{Kind: concurrent.EventStoreWarning, Alias: "a", Key: "k", ID: 9, Err: errors.New("it is away")},
		{Kind: concurrent.EventReleased, Alias: "a", Key: "k", ID: 8, Label: "me", Mode: driver.Shared, Token: 7, Held: time.Minute},
		{Kind: concurrent.EventAcquired, Alias: "a", Key: "k", ID: 10, Mode: driver.Slots(3)},
	} {
		o.Observe(ctx, e)
	}
}

func TestSlogAllocatesNothingWhenDisabled(t *testing.T) {
	o := concurrent.Slog(slog.New(slog.DiscardHandler))
	e := concurrent.Event{Kind: concurrent.EventAcquired, Alias: "a", Key: "k", Token: 7, Took: time.Second}
	if n := testing.AllocsPerRun(1000, func() { o.Observe(t.Context(), e) }); n != 0 {
		t.Errorf("a disabled level allocates %v times", n)
	}
}

func TestSlogOfNilLogsToTheDefault(t *testing.T) {
	before := slog.Default()
	defer slog.SetDefault(before)
	o := concurrent.Slog(nil)
	var out bytes.Buffer
	slog.SetDefault(logTo(&out, slog.LevelError))
	tell(t.Context(), o)
	if !strings.Contains(out.String(), "lock lost") {
		t.Errorf("the default logger has %q", out.String())
	}
}
