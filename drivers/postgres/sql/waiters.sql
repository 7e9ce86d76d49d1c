-- How many other processes wait.
-- $1 the waiters' mark, $2 own sessions.
select count(*)
from pg_locks
where locktype = 'advisory' and objsubid = 1 and granted
  and database = (select oid from pg_database where datname = current_database())
  and ((classid::int8 << 32) | objid::int8) = $1::int8
  and not pid = any($2::int4[])
