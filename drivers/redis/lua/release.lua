#!lua flags=allow-oom
-- Ends a lease and wakes who waits for it.
--
-- ARGV: COUNTED, mode; then each key's owner.
-- Returns 1, or 0 if this owner holds no such lease. It may have many keys: see
-- each.lua.
--#include clock.lua
local width, common = 1, 2
local COUNTED, asks, wants = ARGV[1], ARGV[2], tonumber(ARGV[2])
local function one(key, at)

local who = ARGV[at + 1]
--#include state.lua
--#include line.lua

-- Most often the lock is exclusive. Then the key stays a second, for its token,
-- or longer for those who wait, the first of whom is told.
if mode == 0 and owner == who and wants == 0 and ends > now then
  if queue == '' then
    redis.call('SET', key, struct.pack('>BdddiBH', 1, token, 0, 0, 0, 0, 0), 'PX', '1000')
    return 1
  end
  local told = alive > now + GRACE and redis.call('PUBLISH', 'lk:in:' .. string.sub(head, 1, 12), 'w' .. string.sub(head, 13))
  if told and (told > 0 or COUNTED == '') then
    redis.call('SET', key, struct.pack('>BdddiBHd', 1, token, 0, 0, 0, 0, 0, now + GRACE) .. string.sub(queue, 9), 'PX', '10000')
    return 1
  end
end

--#include leases.lua
--#include place.lua
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
