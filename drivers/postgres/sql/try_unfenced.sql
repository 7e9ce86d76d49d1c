-- try without a token.
-- $1 locks. One row: which were granted; null; whether the table of kept keys
-- has anything in it.
select a.granted, null::int8,
       case when true = any(a.granted) then pg_relation_size(to_regclass('{schema}.kept')) > 0 end
from (select array_agg(pg_try_advisory_lock(k)) as granted from unnest($1::int8[]) as k) as a
