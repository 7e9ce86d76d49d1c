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

// alone returns the text of try.sql, try_unfenced.sql or unlock.sql for one lock,
// which then is no array: the server has less to do.
func alone(text string) string {
	return strings.NewReplacer(
		"array_agg(pg_try_advisory_lock(k)) as granted from unnest($1::int8[]) as k", "array[pg_try_advisory_lock($1)] as granted offset 0",
		"array_agg(\n", "array[\n",
		"\n)\nfrom unnest($1::int8[], $2::int8[])", "\n]\nfrom (values ($1::int8, $2::int8))",
	).Replace(text)
}
