-- Locks for readers. Sessions with readers share the lock, which keeps writers
-- out, and the mode's own number, which keeps permits out: under the gate, where
-- one session at a time comes in, whoever finds nobody in its mode and somebody
-- at the lock stands beside another mode. Gate and trials are the transaction's
-- and end with it; there is no token here, so that it is short.
-- $1 locks, $2 gates, $3 modes' numbers, $4 writers' marks, $5 whether this
-- session has readers already. One row: for each 0 it may come in, −1 the lock is
-- held, −2 a writer waits, −3 the gate is shut for a moment, −5 another mode.
select array_agg(e.r),
       set_config('concurrent.entered', max(case when e.r >= 0 and not e.have then '1' else '' end), false),
       pg_relation_size(to_regclass('{schema}.kept')) > 0
from (
  select have,
         case when not pg_try_advisory_xact_lock(g) then -3
              when not pg_try_advisory_xact_lock(w) then -2
              when have then 0
              when not pg_try_advisory_lock_shared(a) then -1
              when case when not pg_try_advisory_lock_shared(m) then true
                        when not pg_try_advisory_xact_lock(m) then false
                        else not pg_try_advisory_xact_lock(a) end
                then -5 + 0 * (pg_advisory_unlock_shared(m)::int + pg_advisory_unlock_shared(a)::int)
              else 0 end as r
  from unnest($1::int8[], $2::int8[], $3::int8[], $4::int8[], $5::bool[]) as u(a, g, m, w, have)
  offset 0
) as e
