-- Takes back what permit.sql may have taken before it failed.
-- $1 the first permit's number, $2 n, $3 this session's own permits. One row.
select array_agg(pg_advisory_unlock(l.n))
from (
  select (classid::int8 << 32) | objid::int8 as n from pg_locks
  where locktype = 'advisory' and pid = pg_backend_pid() and mode = 'ExclusiveLock' and objsubid = 1
) as l
where l.n >= $1::int8 and l.n < $1::int8 + $2::int and not ((l.n - $1::int8)::int4 = any($3::int4[]))
