-- Gives exclusive locks back, and tells who waits for them. Waiters hold a mark
-- in shared mode, so that it can't be had exclusively while there is one. The
-- mark is looked at after the lock is free, and waiters look at the lock after
-- they have marked: nobody is missed. Only CASE forces this order. Of processes
-- that all want the lock for themselves one is told, on a channel of its own: the
-- next after this process in the order of their seats.
-- $1 locks, $2 their waiters' marks, $3 channel, $4 this process's seat, $5 how
-- many seats are known, $6 the part of marks that are for everybody. One row, for
-- each lock: 0 it was not held, 1 it was, 2 and somebody was told.
select array_agg(
         case when pg_advisory_unlock(k) then
           case when pg_try_advisory_xact_lock(w) then 1
                else 2 + 0 * (pg_notify(concat_ws('/', $3::text,
                  case when pg_try_advisory_xact_lock(w # $6::int8) then
                    (select ($4::int4 + i) % $5::int4 from generate_series(1, $5) as i
                     where not pg_try_advisory_xact_lock(w # (($4 + i) % $5 + 1)) limit 1)
                  end), concat_ws('/', to_hex(k), $4)) is null)::int end
         else 0 end
)
from unnest($1::int8[], $2::int8[]) as u(k, w)
