package concurrent

import "strings"

// join is errors.Join, but in one line: logs are read by the line.
func join(errs ...error) error {
	var parts []error
	for _, err := range errs {
		if err != nil {
			parts = append(parts, err)
		}
	}
	switch {
	case len(parts) == 0:
		return nil
	case len(parts) == 1 && !strings.Contains(parts[0].Error(), "\n"):
		return parts[0]
	}
	return &joined{parts}
}

// joined are errors that happened together. Each of them is matched by
// errors.Is.
type joined struct{ parts []error }

func (e *joined) Error() string {
	texts := make([]string, len(e.parts))
	for i, part := range e.parts {
		texts[i] = strings.ReplaceAll(strings.TrimSpace(part.Error()), "\n", "; ")
	}
	return strings.Join(texts, "; ")
}

func (e *joined) Unwrap() []error { return e.parts }
