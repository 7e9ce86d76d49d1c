-- After which time without a word the server ends this session.
-- $1 milliseconds.
select set_config('idle_session_timeout', $1::text, false)
