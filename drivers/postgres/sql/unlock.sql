-- Gives exclusive locks back, and tells who waits for them. Waiters hold a mark
-- in shared mode, so that it can't be had exclusively while there is one. The
-- mark is looked at after the lock is free, and waiters look at the lock after
-- they have marked: nobody is missed. Only CASE forces this order.
-- $1 locks, $2 their waiters' marks, $3 channel. One row, for each lock: 0 it was
-- not held, 1 it was, 2 and somebody was told.
select array_agg(
         case when pg_advisory_unlock(k) then
           case when pg_try_advisory_xact_lock(w) then 1
                else 2 + (pg_notify($3, to_hex(k)) is null)::int * 0 end
         else 0 end)
from unnest($1::int8[], $2::int8[]) as u(k, w)
