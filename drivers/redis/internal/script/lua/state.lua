-- What every script begins with: the state of one lock, whose name is key. It is all
-- in one key, so that Redis expires, evicts and moves it as a whole. A key that is free
-- or held exclusively is a string, the record:
--
--   2 (a byte: this form), the last token, when the lease ends, when it began (doubles),
--   the mode (int), where the queue begins (int), the owner (behind a byte that is its
--   length), the holder: its store's channel (12 bytes) and who it is (behind two
--   bytes), and then, maybe behind some bytes that mean nothing, the queue: see head.lua.
--
-- A key that is held otherwise is a hash. Its field r is the record: its end is
-- the last lease's, its beginning stands for a time before which none of them
-- ends, its mode is -1 for Shared and 1 for Slots of whatever numbers, it has no owner,
-- and its holder is the number of leases. Each lease is a field of its own, o and its
-- owner: when it ends, its token, when it began (doubles), its mode (int), and its
-- holder. What nobody owns any more (see keep.lua) has a space before its owner.
--
-- Times are microseconds on this server's clock, NEVER for no end, and 0 for
-- the end of a lease that was released. The key stays a second longer than the
-- lease, so that the next token is larger although the clock was set back.
--
-- What is done most often makes no function, and of a record with a long queue it reads
-- the first bytes only, if they are enough: each costs more than the commands do. The
-- first 768 have the longest holder in them.
local NEVER = 9007199254740991
local hashed = asks ~= '0' -- a guess from the mode that is asked for: most often a key has one use
local record = hashed and redis.pcall('HGET', key, 'r') or not hashed and redis.pcall('GETRANGE', key, '0', '767')
if type(record) == 'table' then -- the error of a key that has the other form
  hashed = not hashed
  record = hashed and redis.pcall('HGET', key, 'r') or not hashed and redis.pcall('GETRANGE', key, '0', '767')
  if type(record) == 'table' then
    return record -- it has neither: it is not ours
  end
end
record = record or ''
local whole = hashed or #record < 768
local token, ends, since, mode, queue_at, owner, holder = 0, 0, 0, 0, 1, '', ''
if record ~= '' then
  if string.byte(record) ~= 2 or #record < 36 then
    return redis.error_reply('WRONGTYPE this is not the state of a lock')
  end
  token, ends, since, mode, queue_at, owner, holder = struct.unpack('>dddiIBc0Hc0', record, 2)
  if not hashed and mode ~= 0 then
    return redis.error_reply('WRONGTYPE this is not the state of a lock')
  end
end
