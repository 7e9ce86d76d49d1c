#!lua flags=allow-oom
-- Gives up a lease and leaves the key held, by nobody, until its end.
--
-- ARGV: mode, µs from now until the end (0: the lease's own end, empty:
-- no end), owner. Returns 1, or 0 if this owner holds no such lease.
local key, asks = KEYS[1], ARGV[1]
--#include state.lua
--#include clock.lua
--#include queue.lua
--#include leases.lua
local who, wants, untl = ARGV[3], tonumber(asks), NEVER

local e, t, s, by = lease(who, wants)
if e then
  if ARGV[2] == '0' then
    untl = e
  elseif ARGV[2] ~= '' then
    untl = now + tonumber(ARGV[2])
  end
  drop(who, e)
  hold(' ' .. who, wants, untl, t, s, string.rep(' ', 12) .. string.sub(by, 13))
  save()
  return 1
end
if scanned then
  save()
end
return 0
