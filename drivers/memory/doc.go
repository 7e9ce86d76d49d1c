// Package memory keeps locks in the memory of one process. It is for programs
// that run once, for tests, and what package locks has behind Local.
//
// Importing it registers the scheme "memory". memory://name is one store for
// the whole process, whoever opens it and however often; its tokens go on
// growing as long as the process runs. memory:// is private: every alias that
// has it has a store of its own.
//
// Waiters are served first come first served, by handing the key over: nobody
// who comes later can take it in between. Nothing survives the process.
package memory
