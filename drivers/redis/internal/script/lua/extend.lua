#!lua flags=allow-oom
-- Makes a lease end anew, counted from now.
--
-- ARGV: mode, lease in µs (empty: no end), how long the key stays in ms; then each
-- key's owner.
-- Returns 1, or 0 if this owner holds no such lease. It may have many keys: see
-- each.lua.
--#include clock.lua
local common = 3
local asks, wants, asked, ttl = ARGV[1], tonumber(ARGV[1]), tonumber(ARGV[2]), ARGV[3]
local function one(key, at)

local who = ARGV[at + 1]
--#include state.lua

-- Most often the lock is exclusive, and nobody waits.
if wants == 0 and mode == 0 and owner == who and ends > now and asked then
  if whole and #record < queue_at then
    redis.call('SET', key, struct.pack('>BdddiIBc0Hc0', 2, token, now + asked, since, 0, queue_at, #who, who, #holder, holder), 'PX', ttl)
    return 1
  end
--#include write_record.lua
  write_record(now + asked, since, who, holder, queue_at, ttl)
  return 1
end

--#include queue.lua
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
