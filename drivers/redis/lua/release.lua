#!lua flags=allow-oom
-- Ends a lease and wakes who waits for it.
--
-- ARGV: owner, mode, COUNTED. Returns {1}, or {0} if this owner holds no such
-- lease.
--#include state.lua

-- Most often nobody waits. Then the key stays a second longer than the lease,
-- and how long it stays tells as well as the clock whether the lease has ended.
if mode == 0 and owner == ARGV[1] and ARGV[2] == '0' and queue == '' and ends > 0 then
  local stays = redis.call('PTTL', key)
  if stays > 1000 or stays == -1 then
    redis.call('SET', key, struct.pack('>BdddiBH', 1, token, 0, 0, 0, 0, 0), 'PX', '1000')
    return {1}
  end
end

--#include clock.lua
local who, wants, COUNTED = ARGV[1], tonumber(ARGV[2]), ARGV[3]
--#include leases.lua
--#include queue.lua

local e = lease(who, wants)
if e then
  drop(who, e)
  wake('')
  save()
  return {1}
end
if scanned then
  save()
end
return {0}
