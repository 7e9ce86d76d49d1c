// Package batch sends the calls of many goroutines together. Those that come while
// requests are under way form the next one; those of one script share a run of it. A
// call that comes alone leaves at once, sent by its caller.
//
// A Batcher has workers, a few at a time, each with one request under way. Its mutex
// guards what they share; none is taken while it is held.
package batch
