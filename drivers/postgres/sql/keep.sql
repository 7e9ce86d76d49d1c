-- Leaves a key held by nobody, and forgets those whose time is over.
-- $1 lock, $2 id, $3 key, $4 mode, $5 permit, $6 for how many microseconds, −1 for
-- ever, $7 since how many, $8 token, $9 host, $10 process, $11 label.
with over as (delete from {schema}.kept where until <= clock_timestamp())
insert into {schema}.kept (lock, id, key, mode, slot, until, since, token, host, pid, label)
values ($1::int8, $2::int8, $3::bytea, $4::int4, $5::int4,
  case when $6::int8 >= 0 then clock_timestamp() + $6::int8 * interval '1 microsecond' end,
  clock_timestamp() - $7::int8 * interval '1 microsecond', $8::int8, $9::bytea, $10::int4, $11::bytea)
on conflict (lock, id) do update set until = excluded.until
