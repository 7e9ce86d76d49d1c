-- Gives back what readers and permits hold, and tells who waits, as unlock.sql.
-- The mode's number goes before the lock: who finds neither is alone, and who
-- finds the lock alone is not in this mode.
-- $1 permits, $2 modes' numbers, $3 locks, 0 where it stays; $4 waiters' marks,
-- $5 channel, $6 keys' locks. One row: as in unlock.sql.
select array_agg(
         case when case when s = 0 then false else not pg_advisory_unlock(s) end then 0
              when case when m = 0 then false else not pg_advisory_unlock_shared(m) end then 0
              when case when a = 0 then false else not pg_advisory_unlock_shared(a) end then 0
              when pg_try_advisory_xact_lock(w) then 1
              else 2 + (pg_notify($5, to_hex(k)) is null)::int * 0 end)
from unnest($1::int8[], $2::int8[], $3::int8[], $4::int8[], $6::int8[]) as u(s, m, a, w, k)
