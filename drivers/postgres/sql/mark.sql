-- Marks of those who wait, so that whoever releases tells them.
-- $1 marks. One row: which were set. One is not while somebody looks at it.
select array_agg(pg_try_advisory_lock_shared(w)) from unnest($1::int8[]) as w
