-- What a server is, and this session on it. Settings that the server does not
-- know are null.
select current_setting('server_version_num')::int8,
       pg_is_in_recovery()::int::int8,
       pg_backend_pid()::int8,
       coalesce((select setting::int8 from pg_settings where name = 'idle_session_timeout'), -1),
       current_setting('max_locks_per_transaction')::int8
         * (current_setting('max_connections')::int8 + current_setting('max_prepared_transactions')::int8),
       (current_setting('fsync') = 'on')::int::int8
