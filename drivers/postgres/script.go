package postgres

import (
	"embed"
	"strings"
)

//go:embed sql/*.sql
var files embed.FS

// script returns the text of a file in the folder sql, without its comments,
// for a schema.
func script(name, schema string) string {
	b, err := files.ReadFile("sql/" + name + ".sql")
	if err != nil {
		panic(err) // the file is part of the program
	}
	var text strings.Builder
	for line := range strings.Lines(string(b)) {
		if !strings.HasPrefix(line, "--") {
			text.WriteString(line)
		}
	}
	return strings.ReplaceAll(text.String(), "{schema}", schema)
}
