-- confirm without a token.
-- $1 milliseconds after which the server ends the session. One row: null; whether
-- the table of kept keys has anything in it.
select null::int8,
       pg_relation_size(to_regclass('{schema}.kept')) > 0,
       set_config('idle_session_timeout', $1::text, false)
