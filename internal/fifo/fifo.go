// Package fifo is a first-in, first-out list whose links stand inside what is
// listed, so that neither joining nor leaving it allocates.
package fifo

// An Element is a place in a List. It stands inside a T, or points to one. The
// zero Element is in no list.
type Element[T any] struct {
	Value      T
	prev, next *Element[T]
	in         *List[T]
}

// A List is elements in the order in which they came. The zero List is empty. It
// is not safe for concurrent use.
type List[T any] struct {
	first, last *Element[T]
	length      int
}

// Len returns how many elements there are.
func (l *List[T]) Len() int { return l.length }

// First returns the element that came first, nil if there is none.
func (l *List[T]) First() *Element[T] { return l.first }

// Next returns the element that came after e, nil for the last.
func (e *Element[T]) Next() *Element[T] { return e.next }

// In reports whether e is in a list.
func (e *Element[T]) In() bool { return e.in != nil }

// Push puts e at the end. It panics if e is in a list already.
func (l *List[T]) Push(e *Element[T]) {
	if e.in != nil {
		panic("fifo: the element is in a list already")
	}
	e.in, e.prev = l, l.last
	if l.last == nil {
		l.first = e
	} else {
		l.last.next = e
	}
	l.last = e
	l.length++
}

// Remove takes e out, and reports whether it was in.
func (l *List[T]) Remove(e *Element[T]) bool {
	if e.in != l {
		return false
	}
	if e.prev == nil {
		l.first = e.next
	} else {
		e.prev.next = e.next
	}
	if e.next == nil {
		l.last = e.prev
	} else {
		e.next.prev = e.prev
	}
	e.prev, e.next, e.in = nil, nil, nil
	l.length--
	return true
}
