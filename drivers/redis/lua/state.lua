-- What every script begins with: the state of one lock. It is all in one key,
-- so that Redis expires, evicts and moves it as a whole:
--
--   r      the record: the last token, when the lease ends, when it began, the
--          mode, the owner's length and name; then, of an Exclusive lease, the
--          holder's inbox (12 bytes) and who it is. Of Shared leases and of
--          Slots, the end is the last one's, the beginning stands for the first
--          end, there is no owner, and the number of leases follows.
--   o...   one lease that is Shared or one of Slots, by its owner: when it
--          ends, its token, when it began; then inbox and holder as above. What
--          nobody owns any more (Keep) has a space before its owner.
--   q      who waits, first come first: see queue.lua.
--
-- Times are microseconds on this server's clock, NEVER for no end, and 0 for
-- the end of a lease that was released. The key stays a second longer than the
-- lease, so that the next token is larger although the clock was set back.
local key = KEYS[1]
local state = redis.call('HMGET', key, 'r', 'q')
local queue = state[2] or ''
local token, ends, since, mode, owner, rest = 0, 0, 0, 0, '', 0
if state[1] then
  token, ends, since, mode, owner, rest = struct.unpack('>dddiBc0', state[1])
end
