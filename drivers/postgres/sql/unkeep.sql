-- $1 lock, $2 key.
delete from {schema}.kept where lock = $1::int8 and key = $2::bytea
