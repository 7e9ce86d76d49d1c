package concurrent

// ResetDefault makes Default a new Registry: one that was shut down stays so,
// and tests run more than once in a process.
func ResetDefault() { defaultRegistry.Store(NewRegistry()) }
