package file

import "fmt"

// keyIn returns a key of state file i.
func keyIn(i int) string {
	for n := 0; ; n++ {
		if k := fmt.Sprint("key", n); shardOf(k) == i {
			return k
		}
	}
}
