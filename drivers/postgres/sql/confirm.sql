-- Confirms a lock that a session has waited for, with a token: the answer shows that
-- the server has not freed it meanwhile.
-- $1 milliseconds after which the server ends the session. One row: the transaction
-- id; whether the table of kept keys has anything in it.
select (pg_logical_emit_message(true, 'locks', '') is not null)::int * 0
         + pg_current_xact_id()::text::int8,
       pg_relation_size(to_regclass('{schema}.kept')) > 0,
       set_config('idle_session_timeout', $1::text, false)
