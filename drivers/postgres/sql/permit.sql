-- A permit of a semaphore: as enter.sql, for one, and then the first that is free of
-- the first n of the semaphore's locks. One that asks with n takes none beyond them, so
-- that fewer than n are held where one of them is free, as long as all ask with n.
-- Sessions share a number that says with which n they ask. Whoever comes in beside
-- others, or asks with another n than before, and finds that theirs differ, shares
-- another number besides, which says so as long as the session has permits: then they
-- are counted. Of two sessions whose n differ the later one has it.
-- $1 lock, $2 gate, $3 the number of the mode, $4 whether this session has permits
-- already, $5 the first permit's number, $6 n, $7 at which to begin, $8 which not to
-- try: this session's own, and kept ones; $9 the number of n, $10 that of different
-- ones, $11 whether this session has that, $12 whether its own differ from n, $13 how
-- many are kept and to be counted, −1 if that does not matter. One row: as in
-- enter.sql, but the permit in place of 0, and −1 if none is free; and whether this
-- session has $10 now: 0 no, 1 yes, 2 yes, and need not.
select array[case when p.r = -1 and p.came >= 0 and not $4::bool
         then p.r + 0 * (pg_advisory_unlock_shared($9::int8)::int + pg_advisory_unlock_shared($3::int8)::int
           + pg_advisory_unlock_shared($1::int8)::int)
         else p.r end],
       set_config('concurrent.entered', case when p.r >= 0 then '1' else '' end, false),
       pg_relation_size(to_regclass('{schema}.kept')) > 0,
       case when p.r < 0 or not p.differ then 0
            when $12::bool or p.found[2] > 0 then
              case when $11::bool then 1 when pg_try_advisory_lock_shared($10::int8) then 1 else 0 end
            when $11::bool then 2
            else 0 end
from (
  select f.*,
         case when f.came < 0 then f.came
              when f.differ and f.found[1] + greatest($13::int, 0) >= $6::int then -1
              else coalesce(
                (select (i + $7::int) % $6::int
                 from generate_series(0, $6::int - 1) as i
                 where case when (i + $7::int) % $6::int = any($8::int4[]) then false
                            else pg_try_advisory_lock($5::int8 + (i + $7::int) % $6::int) end
                 limit 1), -1) end as r
  from (
    select d.*, case when d.differ then
             (select array[count(*) filter (where n < $5::int8 + 65536 and mode = 'ExclusiveLock'),
                           count(*) filter (where n >= $5::int8 + 65536 and n <> $9::int8)]
              from (select mode, (classid::int8 << 32) | objid::int8 as n from pg_locks
                    where locktype = 'advisory' and objsubid = 1 and granted
                      and database = (select oid from pg_database where datname = current_database())) as l
              where n >= $5::int8 and n < $5::int8 + 131072) end as found
    from (
      select c.came,
             case when c.came < 0 then false
                  when $11::bool or $12::bool or $13::int >= 0 then true
                  when c.came = 1 then false
                  when not pg_try_advisory_xact_lock($10::int8) then true
                  when c.came = 2 then false
                  else pg_try_advisory_xact_lock($9::int8) end as differ
      from (
        select case when e.came < 0 or e.came = 2 then e.came
                    when pg_try_advisory_lock_shared($9::int8) then e.came
                    else -3 + 0 * (pg_advisory_unlock_shared($3::int8)::int + pg_advisory_unlock_shared($1::int8)::int)
               end as came
        from (
          select case when not pg_try_advisory_xact_lock($2::int8) then -3
                      when $4::bool then 2
                      when not pg_try_advisory_lock_shared($1::int8) then -1
                      when not pg_try_advisory_lock_shared($3::int8) then -5 + 0 * pg_advisory_unlock_shared($1::int8)::int
                      when not pg_try_advisory_xact_lock($3::int8) then 0
                      when pg_try_advisory_xact_lock($1::int8) then 1
                      else -5 + 0 * (pg_advisory_unlock_shared($3::int8)::int + pg_advisory_unlock_shared($1::int8)::int)
                 end as came
          offset 0
        ) as e
        offset 0
      ) as c
      offset 0
    ) as d
    offset 0
  ) as f
  offset 0
) as p
