-- A token for those who came in by the statement before, if anybody did.
-- One row: the transaction id, or null.
select case when current_setting('concurrent.entered', true) = '1' then
         (pg_logical_emit_message(true, 'locks', '') is not null)::int * 0
         + pg_current_xact_id()::text::int8
       end
