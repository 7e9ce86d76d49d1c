-- Gives back what readers and permits hold, and tells who waits, as unlock.sql.
-- The mode's number goes before the lock: who finds neither is alone, and who
-- finds the lock alone is not in this mode.
-- $1 permits, $2 modes' numbers, $3 locks, 0 where it stays; $4 waiters' marks,
-- $5 keys' locks, $6 to $9 as $3 to $6 of unlock.sql, $10 and $11 as $9 and $10 of
-- permit.sql, 0 where it stays. One row: as there.
select array_agg(
         case when case when s = 0 then false else not pg_advisory_unlock(s) end then 0
              when case when x = 0 then false else not pg_advisory_unlock_shared(x) end then 0
              when case when z = 0 then false else not pg_advisory_unlock_shared(z) end then 0
              when case when m = 0 then false else not pg_advisory_unlock_shared(m) end then 0
              when case when a = 0 then false else not pg_advisory_unlock_shared(a) end then 0
              when pg_try_advisory_xact_lock(w) then 1
              else 2 + 0 * (pg_notify(concat_ws('/', $6::text,
                case when pg_try_advisory_xact_lock(w # $9::int8) then
                  (select ($7::int4 + i) % $8::int4 from generate_series(1, $8) as i
                   where not pg_try_advisory_xact_lock(w # (($7 + i) % $8 + 1)) limit 1)
                end), concat_ws('/', to_hex(k), $7)) is null)::int end)
from unnest($1::int8[], $2::int8[], $3::int8[], $4::int8[], $5::int8[], $10::int8[], $11::int8[]) as u(s, m, a, w, k, z, x)
