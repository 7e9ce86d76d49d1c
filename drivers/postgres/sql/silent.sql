-- Which sessions have not written since.
-- $1 the number that all sessions of the schema share, $2 since when, in
-- microseconds, $3 own sessions. A row for each: its process on the server.
select l.pid::int8
from pg_locks as l left join {schema}.told as t on t.backend = l.pid
where l.locktype = 'advisory' and l.objsubid = 1 and l.granted
  and l.database = (select oid from pg_database where datname = current_database())
  and ((l.classid::int8 << 32) | l.objid::int8) = $1::int8
  and not l.pid = any($3::int4[])
  and (t.at is null or (extract(epoch from t.at) * 1e6)::int8 <= $2::int8)
