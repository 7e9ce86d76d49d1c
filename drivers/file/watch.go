package file

import (
	"sync"

	"github.com/fsnotify/fsnotify"
)

// A watch tells the stores of this process that another process calls them: it
// wrote to their slot files. Only those who are called wake, and the changes
// of state files wake nobody.
type watch struct {
	fs   *fsnotify.Watcher
	done chan struct{}

	mu     sync.Mutex
	stores map[string]*Store // by slot file
}

func newWatch() (*watch, error) {
	fs, err := fsnotify.NewWatcher()
	if err != nil {
		return nil, err
	}
	w := &watch{fs: fs, done: make(chan struct{}), stores: map[string]*Store{}}
	go w.run()
	return w, nil
}

func (w *watch) run() {
	defer close(w.done)
	for {
		select {
		case ev, ok := <-w.fs.Events:
			if !ok {
				return
			}
			w.mu.Lock()
			st := w.stores[ev.Name]
			w.mu.Unlock()
			if st != nil {
				st.called()
			}
		case _, ok := <-w.fs.Errors:
			if !ok {
				return
			}
			// Events were lost: look at everything.
			for _, st := range w.all() {
				st.called()
			}
		}
	}
}

func (w *watch) all() (out []*Store) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, st := range w.stores {
		out = append(out, st)
	}
	return out
}

func (w *watch) add(st *Store) error {
	w.mu.Lock()
	w.stores[st.slot.name] = st
	w.mu.Unlock()
	err := w.fs.Add(st.slot.name)
	if err != nil {
		w.forget(st)
	}
	return err
}

func (w *watch) forget(st *Store) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.stores, st.slot.name)
}

func (w *watch) remove(st *Store) {
	w.forget(st)
	// It is gone already if somebody removed the file.
	_ = w.fs.Remove(st.slot.name)
}

func (w *watch) close() {
	_ = w.fs.Close()
	<-w.done
}
