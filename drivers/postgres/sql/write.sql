-- Writes down what this process holds, and that it did.
-- $1 its sessions; $2 the ids of all that they hold; then what is not written
-- yet: $3 ids, $4 locks, $5 keys, $6 modes, $7 for how many microseconds, −1 for
-- ever, $8 since how many, $9 tokens, $10 hosts, $11 processes, $12 labels, $13
-- sessions, $14 how many wait in the process itself where no mark says so. What sessions held that are gone is forgotten.
with gone as (
  delete from {schema}.held
  where backend = any($1::int4[]) and not id = any($2::int8[])
     or not exists (select from pg_stat_get_backend_idset() as b where pg_stat_get_backend_pid(b) = backend)
), silent as (
  delete from {schema}.told
  where not exists (select from pg_stat_get_backend_idset() as b where pg_stat_get_backend_pid(b) = backend)
), written as (
  insert into {schema}.held (id, lock, key, mode, until, since, token, host, pid, label, backend, waiters)
  select i, k, key, m, case when f >= 0 then clock_timestamp() + f * interval '1 microsecond' end,
         clock_timestamp() - s * interval '1 microsecond', t, h, p, l, b, w
  from unnest($3::int8[], $4::int8[], $5::bytea[], $6::int4[], $7::int8[], $8::int8[], $9::int8[],
              $10::bytea[], $11::int4[], $12::bytea[], $13::int4[], $14::int4[])
         as u(i, k, key, m, f, s, t, h, p, l, b, w)
  on conflict (lock, id) do update
    set until = excluded.until, since = excluded.since, token = excluded.token, backend = excluded.backend,
        waiters = excluded.waiters
)
insert into {schema}.told (backend, at) select b, clock_timestamp() from unnest($1::int4[]) as b
on conflict (backend) do update set at = excluded.at
