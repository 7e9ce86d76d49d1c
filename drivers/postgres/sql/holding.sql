-- Which other sessions hold a lock.
-- $1 lock, $2 own sessions. A row for each.
select pid::int8
from pg_locks
where locktype = 'advisory' and objsubid = 1 and granted
  and database = (select oid from pg_database where datname = current_database())
  and ((classid::int8 << 32) | objid::int8) = $1::int8
  and not pid = any($2::int4[])
