-- Takes back what enter.sql or mark.sql may have taken before it failed.
-- $1 numbers that are shared. One row: which were.
select array_agg(pg_advisory_unlock_shared(n)) from unnest($1::int8[]) as n
