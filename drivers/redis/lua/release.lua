#!lua flags=allow-oom
-- Ends a lease and wakes who waits for it.
--
-- ARGV: owner, mode, COUNTED. Returns {1}, or {0} if this owner holds no such
-- lease. It may have many keys: see each.lua.
--#include clock.lua
local width = 1
local function one(key, at)

local who, asks = ARGV[at + 1], ARGV[at + 2]
--#include state.lua

-- Most often nobody waits. Then the key stays a second, for its token.
if mode == 0 and owner == who and asks == '0' and queue == '' and ends > now then
  redis.call('SET', key, struct.pack('>BdddiBH', 1, token, 0, 0, 0, 0, 0), 'PX', '1000')
  return 1
end

local wants, COUNTED = tonumber(asks), ARGV[at + 3]
--#include leases.lua
--#include queue.lua

local e = lease(who, wants)
if e then
  drop(who, e)
  wake('')
  save()
  return 1
end
if scanned then
  save()
end
return 0

end
--#include each.lua
