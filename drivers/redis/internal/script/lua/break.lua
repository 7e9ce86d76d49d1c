#!lua flags=allow-oom
-- Ends every lease, tells the stores that hold one, and wakes who waits.
--
-- ARGV: COUNTED. Returns what inspect.lua returns, as it was before.
local key, asks = KEYS[1], '0'
--#include state.lua
--#include clock.lua
--#include listing.lua
local COUNTED, found, waiters, more = ARGV[1], listing(), waiting(0)
--#include head.lua
--#include queue.lua
--#include leases.lua
--#include wake.lua

for _, l in ipairs(found) do
  local who, channel = l[1], string.sub(l[6], 1, 12)
  if string.byte(who) ~= 32 then -- nobody owns what was kept
    redis.call('PUBLISH', 'lk:in:' .. channel, 'b' .. string.char(#who) .. who .. key)
  end
end
if #found > 0 then
  free()
  wake('')
  save()
elseif scanned or dirty then
  save()
end
return {waiters, found, more}
