package locks

import "fmt"

// aliasText is an alias as texts show it. What is no name may be a URL, with a
// password.
func aliasText(alias string) string {
	for _, c := range alias {
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '-', c == '_', c == '.':
		default:
			return fmt.Sprintf("(not a name: %d bytes)", len(alias))
		}
	}
	if len(alias) > 64 {
		return fmt.Sprintf("(not a name: %d bytes)", len(alias))
	}
	return alias
}
