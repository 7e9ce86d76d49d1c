#!lua flags=allow-oom
-- Ends a lease and wakes who waits for it.
--
-- ARGV: owner, mode, COUNTED. Returns {1}, or {0} if this owner holds no such
-- lease.
--#include state.lua
--#include clock.lua
local who, wants, COUNTED = ARGV[1], tonumber(ARGV[2]), ARGV[3]

-- Most often nobody waits.
if wants == 0 and mode == 0 and owner == who and ends > now and queue == '' then
  redis.call('SET', key, struct.pack('>BdddiBH', 1, token, 0, 0, 0, 0, 0), 'PX', 1000)
  return {1}
end

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
