-- Has every process write down what it holds.
-- $1 channel, $2 what says so. One row: when that was, in microseconds.
select (extract(epoch from clock_timestamp()) * 1e6)::int8, pg_notify($1::text, $2::text)
