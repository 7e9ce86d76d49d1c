-- How many other processes wait: those whose sessions have the mark, and those that
-- stand in the server's own queue.
-- $1 the waiters' mark, $2 own sessions, $3 lock.
select count(*)
from pg_locks
where locktype = 'advisory' and objsubid = 1
  and database = (select oid from pg_database where datname = current_database())
  and ((classid::int8 << 32) | objid::int8) = case when granted then $1::int8 else $3::int8 end
  and not pid = any($2::int4[])
