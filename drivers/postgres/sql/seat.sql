-- A seat for this process, the lowest that nobody has, as long as the session
-- lives, of which all others hear; and how many seats there are up to the last
-- that somebody has. No row: all are taken.
-- $1 the lock of the first, of which the last bits are 0; $2 how many there may
-- be; $3 channel, $4 what stands before the seat in the message.
with seat as materialized (
  select i from generate_series(0, $2::int4 - 1) as i where pg_try_advisory_lock($1::int8 + i) limit 1
)
select i::int8,
       (select max(objid::int8 & ($2 - 1)) + 1 from pg_locks
        where locktype = 'advisory' and objsubid = 1 and granted
          and database = (select oid from pg_database where datname = current_database())
          and (((classid::int8 << 32) | objid::int8) & ~($2 - 1)::int8) = $1)
       + 0 * (pg_notify($3, $4::text || '/' || i) is null)::int
from seat
