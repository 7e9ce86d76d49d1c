-- Exclusive locks, as many as can be had, and one token for them. An aggregate
-- is finished before the row around it is computed, so that the transaction id
-- is assigned after the last lock was granted, and only if one was. The message
-- makes the commit wait until the write-ahead log is flushed: the id of a
-- transaction that wrote nothing is used again after a crash. Whether keys may
-- be kept is seen by the size of a file, which needs no snapshot: that of the
-- statement is older than the locks.
-- $1 locks. One row: which were granted; the transaction id, null if none was;
-- whether the table of kept keys has anything in it.
select a.granted,
       case when true = any(a.granted) then
         (pg_logical_emit_message(true, 'locks', '') is not null)::int * 0
         + pg_current_xact_id()::text::int8
       end,
       case when true = any(a.granted) then pg_relation_size(to_regclass('{schema}.kept')) > 0 end
from (select array_agg(pg_try_advisory_lock(k)) as granted from unnest($1::int8[]) as k) as a
