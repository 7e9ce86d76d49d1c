package fifo_test

import (
	"slices"
	"testing"

	"go.uber.org/goleak"

	"github.com/concurrent-go/concurrent/internal/fifo"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestOrderSurvivesRemovalAnywhere(t *testing.T) {
	for out := range 5 {
		var l fifo.List[int]
		elements := make([]fifo.Element[int], 5)
		var want []int
		for i := range elements {
			elements[i].Value = i
			l.Push(&elements[i])
			if i != out {
				want = append(want, i)
			}
		}
		if !l.Remove(&elements[out]) || l.Remove(&elements[out]) || elements[out].In() {
			t.Fatalf("element %d was not removed exactly once", out)
		}
		var got []int
		for e := l.First(); e != nil; e = e.Next() {
			got = append(got, e.Value)
		}
		if !slices.Equal(got, want) || l.Len() != len(want) {
			t.Errorf("without %d: %v (%d), want %v", out, got, l.Len(), want)
		}
		l.Push(&elements[out]) // it may come again
		if l.Len() != 5 {
			t.Errorf("%d elements, want 5", l.Len())
		}
	}
}

func TestElementIsInOneList(t *testing.T) {
	var one, two fifo.List[int]
	var e fifo.Element[int]
	one.Push(&e)
	if two.Remove(&e) {
		t.Error("removed from a list that it is not in")
	}
	defer func() {
		if recover() == nil {
			t.Error("pushed twice without a panic")
		}
	}()
	two.Push(&e)
}
