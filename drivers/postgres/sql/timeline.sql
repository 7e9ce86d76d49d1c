-- The timeline that the server writes, in hexadecimal. A standby that becomes
-- the primary begins another, which ends every session here.
select substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8)
