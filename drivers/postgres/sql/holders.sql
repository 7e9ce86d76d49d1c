-- Who holds keys, and who is kept.
-- $1 locks, or null for all; $2 what keys begin with; $3 own sessions, which know
-- theirs. A row for each: lock, key, mode, for how many microseconds, −1 for ever,
-- since how many, token, host, process, label, session (0: kept), how many wait
-- for it in the session's own process. A session that has a lock of $1 and has not
-- written it down has a row without a key.
with locked as (
  select pid, mode, (classid::int8 << 32) | objid::int8 as lock
  from pg_locks
  where locktype = 'advisory' and objsubid = 1 and granted
    and database = (select oid from pg_database where datname = current_database())
    and not pid = any($3::int4[])
)
select h.lock, h.key, h.mode::int8, coalesce((extract(epoch from h.until - clock_timestamp()) * 1e6)::int8, -1),
       (extract(epoch from clock_timestamp() - h.since) * 1e6)::int8, h.token, h.host, h.pid::int8, h.label, h.backend::int8,
       h.waiters::int8
from {schema}.held as h join locked as l on l.pid = h.backend and l.lock = h.lock
where ($1::int8[] is null or h.lock = any($1::int8[])) and substring(h.key from 1 for length($2::bytea)) = $2::bytea
union all
select k.lock, k.key, k.mode::int8, coalesce((extract(epoch from k.until - clock_timestamp()) * 1e6)::int8, -1),
       (extract(epoch from clock_timestamp() - k.since) * 1e6)::int8, k.token, k.host, k.pid::int8, k.label, 0, 0
from {schema}.kept as k
where ($1::int8[] is null or k.lock = any($1::int8[])) and substring(k.key from 1 for length($2::bytea)) = $2::bytea
  and (k.until is null or k.until > clock_timestamp())
union all
select l.lock, null, case when l.mode = 'ExclusiveLock' then 0 else -1 end, -1, -1, 0, null, 0, null, l.pid::int8, 0
from locked as l
where l.lock = any($1::int8[])
  and not exists (select from {schema}.held as h where h.backend = l.pid and h.lock = l.lock)
