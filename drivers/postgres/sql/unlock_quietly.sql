-- Gives exclusive locks back and tells nobody: what is left after an error, of
-- which nobody knows how far the statement came, or a mark.
-- $1 locks. One row: which were held.
select array_agg(pg_advisory_unlock(k)) from unnest($1::int8[]) as k
