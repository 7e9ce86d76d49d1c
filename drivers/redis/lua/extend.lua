#!lua flags=allow-oom
-- Makes a lease end anew, counted from now.
--
-- ARGV: owner, mode, lease in µs (empty: no end), how long the key stays in ms.
-- Returns {1}, or {0} if this owner holds no such lease. It may have many keys:
-- see each.lua.
--#include clock.lua
local width = 1
local function one(key, at)

local who, asks, asked = ARGV[at + 1], ARGV[at + 2], tonumber(ARGV[at + 3])
local wants = tonumber(asks)
--#include state.lua

-- Most often nobody waits.
if wants == 0 and mode == 0 and owner == who and ends > now and queue == '' and asked then
  redis.call('SET', key, struct.pack('>BdddiBc0H', 1, token, now + asked, since, 0, #who, who, #holder) .. holder, 'PX', ARGV[at + 4])
  return 1
end

--#include leases.lua

local e, t, s, by = lease(who, wants)
if e then
  hold(who, wants, asked and now + asked or NEVER, t, s, by, e)
  save()
  return 1
end
if scanned then
  save()
end
return 0

end
--#include each.lua
