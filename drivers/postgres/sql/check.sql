-- Who is kept, of keys that were locked before: in a statement of its own,
-- because a statement's snapshot is older than the locks that it takes.
-- $1 locks. A row for each that is kept: its lock, its mode, which permit, and
-- for how many microseconds more, −1 for ever.
select lock, mode::int8, slot::int8, coalesce((extract(epoch from until - clock_timestamp()) * 1e6)::int8, -1)
from {schema}.kept
where lock = any($1::int8[]) and (until is null or until > clock_timestamp())
