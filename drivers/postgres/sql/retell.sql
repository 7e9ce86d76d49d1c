-- Tells all who wait of a lock that is still free, although one of them was told:
-- that one may stand still.
-- $1 lock, $2 its waiters' mark, $3 channel.
select case when pg_try_advisory_xact_lock($1::int8) then
         case when not pg_try_advisory_xact_lock($2::int8) then pg_notify($3, to_hex($1))::text end end
