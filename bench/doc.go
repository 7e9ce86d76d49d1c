// Package bench measures locks beside what people use in their place, in one
// run: contenders take turns, so that a busy machine slows all of them down
// alike, and what is reported is a ratio.
package bench
