// Package memory keeps locks in the memory of one process. It is for programs
// that run once, for tests, and what package locks has behind Local.
//
// Importing it registers the scheme "memory". memory://name is one store for
// the whole process, whoever opens it and however often; it is kept as long as
// the process lives, so that its tokens go on growing. memory:// is private:
// every alias that has it has a store of its own. [New] makes a private store
// without a URL.
//
// Waiters are served first come, first served, by handing the key over: nobody
// who comes later can take it in between. Nothing survives the process.
//
// A lock costs no goroutine and no timer. A lease has an end, which is looked
// at when somebody asks for the key; only while somebody waits for a key has it
// one timer, for the first end that matters. Leases that ended and that nobody
// asks about are forgotten as new keys come.
package memory
