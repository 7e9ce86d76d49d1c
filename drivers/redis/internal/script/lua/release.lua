#!lua flags=allow-oom
-- Ends a lease and wakes who waits for it.
--
-- ARGV: COUNTED, mode; then each key's owner.
-- Returns 1, or 0 if this owner holds no such lease. It may have many keys: see
-- each.lua.
--#include clock.lua
local common = 2
local COUNTED, asks, wants = ARGV[1], ARGV[2], tonumber(ARGV[2])
local function one(key, at)

local who = ARGV[at + 1]
--#include state.lua

-- Most often the lock is exclusive, and nobody waits. Then the key stays a second, for
-- its token.
local simple = mode == 0 and owner == who and wants == 0 and ends > now
if simple and whole and #record < queue_at then
  redis.call('SET', key, struct.pack('>BdddiIBH', 2, token, 0, 0, 0, 37, 0, 0), 'PX', '1000')
  return 1
end

--#include head.lua
if simple then
--#include write_record.lua
  -- The first waiter is told that it is its turn, or handed a lease. Whether it listens
  -- is asked before a token is published: replicas publish to their own listeners too,
  -- whom nobody counts, and a waiter whose subscription stayed on a replica would take
  -- for granted what is free here.
  if alive > now + GRACE then
    local channel = string.sub(head, 1, 12)
    local subject = 'lk:in:' .. channel
    if COUNTED == '' or redis.call('PUBSUB', 'NUMSUB', subject)[2] > 0 then
      local text = 'w' .. string.sub(head, 13)
      if size > 28 and size + 2 <= #near and alive > now + STALE - FRESH then
        token = token < now and now or token + 1
        text = struct.pack('>c0d', 'h' .. string.sub(head, 13), token)
        local successor, at = struct.unpack('>Bc0', near, near_at + 30)
        local by = channel .. string.sub(near, at, near_at + 1 + size)
        write_record(now + HANDED_OFF, now, successor, by, queue_at + 2 + size, '2000')
      else
        local at = write_record(0, 0, '', '', queue_at, '1000')
        redis.call('SETRANGE', key, at + 1, struct.pack('>d', now + GRACE))
      end
      redis.call('PUBLISH', subject, text)
      return 1
    end
  end
end

--#include queue.lua
--#include leases.lua
--#include wake.lua

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
