-- Has a session wait for an exclusive lock, in the server's own queue. The session
-- holds nothing else, so that nobody can wait for it meanwhile. What is granted to
-- a process that is frozen by then is free again when the server has heard nothing
-- for $2: confirm.sql sets the session's usual time.
-- $1 lock, $2 milliseconds. One row: 1 it was free, 2 it was waited for.
select case when pg_try_advisory_lock($1::int8) then 1
            when pg_advisory_lock($1::int8)::text is not null then 2 end,
       set_config('idle_session_timeout', $2::text, false)
