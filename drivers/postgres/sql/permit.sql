-- A permit of a semaphore: as enter.sql, for one, and then the first that is
-- free of its n locks.
-- $1 lock, $2 gate, $3 the number of the mode, $4 whether this session has
-- permits already, $5 the first permit's number, $6 n, $7 at which to begin,
-- $8 which not to try: this session's own, and kept ones. One row: as in
-- enter.sql, but the permit in place of 0, and −1 if none is free.
select array[e.r], set_config('concurrent.entered', case when e.r >= 0 then '1' else '' end, false),
       pg_relation_size(to_regclass('{schema}.kept')) > 0
from (
  select case when not pg_try_advisory_xact_lock($2::int8) then -3
              when case when $4::bool then false else not pg_try_advisory_lock_shared($1::int8) end then -1
              when case when $4::bool then false
                        when not pg_try_advisory_lock_shared($3::int8) then true
                        when not pg_try_advisory_xact_lock($3::int8) then false
                        else not pg_try_advisory_xact_lock($1::int8) end
                then -5 + 0 * (pg_advisory_unlock_shared($3::int8)::int + pg_advisory_unlock_shared($1::int8)::int)
              else coalesce(
                (select (i + $7::int) % $6::int
                 from generate_series(0, $6::int - 1) as i
                 where case when (i + $7::int) % $6::int = any($8::int4[]) then false
                            else pg_try_advisory_lock($5::int8 + (i + $7::int) % $6::int) end
                 limit 1),
                case when $4::bool then -1
                     else -1 + 0 * (pg_advisory_unlock_shared($3::int8)::int + pg_advisory_unlock_shared($1::int8)::int) end)
         end as r
  offset 0
) as e
