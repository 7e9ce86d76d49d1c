// Package bench measures locks on every driver beside what people use in their
// place, in one run: contenders take turns, so that a busy machine slows all of
// them alike, and what tells is how they compare.
//
// A contender is one way to keep a lock; the same workloads run on all of them.
// TestSuite runs them: every one once, for a moment, in go test; for long enough
// to say something with -how=quick or -how=full. Package result has what they
// measured, and the command report makes docs/performance.md of it.
package bench
