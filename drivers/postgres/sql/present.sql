-- Has others find this session. Nobody ever has the lock alone.
-- $1 the number that all sessions of the schema share.
select pg_try_advisory_lock_shared($1::int8)::int::int8
