package main

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/concurrent-go/concurrent/locks"
)

// writeTable writes a line for each holder of each key, and one for a key that
// is free.
func writeTable(w io.Writer, infos []locks.Info, now time.Time) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "KEY\tHOST\tPID\tLABEL\tSINCE\tENDS\tTOKEN\tWAITING")
	for _, info := range infos {
		key, waiters := printable(info.Key), known(info.Waiters)
		if len(info.Holders) == 0 {
			fmt.Fprintf(t, "%s\tfree\t\t\t\t\t\t%s\n", key, waiters)
		}
		for _, h := range info.Holders {
			fmt.Fprintf(t, "%s\t%s\t%d\t%s\t%s\t%s\t%s\t%s\n",
				key, printable(h.Host), h.PID, printable(h.Label), since(h, now), ends(h, now), token(h.Token), waiters)
		}
	}
	return t.Flush()
}

func since(h locks.Holder, now time.Time) string {
	if h.Since.IsZero() {
		return "?"
	}
	return fmt.Sprintf("%s (%v ago)", h.Since.Local().Format(time.DateTime), age(h.Since, now))
}

func ends(h locks.Holder, now time.Time) string {
	if h.Until.IsZero() {
		return "never"
	}
	return "in " + h.Until.Sub(now).Round(100*time.Millisecond).String()
}

func token(n uint64) string {
	if n == 0 {
		return "none"
	}
	return strconv.FormatUint(n, 10)
}

func known(waiters int) string {
	if waiters < 0 {
		return "?"
	}
	return strconv.Itoa(waiters)
}

// printable is text that others chose, fit for a terminal and for one cell of
// a table: what is not graphic is escaped.
func printable(text string) string {
	quoted := strconv.QuoteToGraphic(text)
	return strings.ReplaceAll(quoted[1:len(quoted)-1], `\"`, `"`)
}
