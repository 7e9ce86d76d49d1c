#!lua
-- Grants a lease, or tells for how long the key may be held and, to one that
-- waits, how many wait before it.
--
-- ARGV: owner, mode, lease in µs (empty: no end), inbox and holder, COUNTED,
-- the waiter's name (empty: does not wait), how long the key stays in ms.
-- Returns {1, token}, {0, µs or -1, place} or {2}: this owner holds the key in
-- another mode. It may have many keys: see each.lua.
--#include clock.lua
local width = 3
local function one(key, at)

local who, asks, by = ARGV[at + 1], ARGV[at + 2], ARGV[at + 4]
--#include state.lua
--#include line.lua
local me, left, write = ARGV[at + 6], nil, nil

-- Most often the lock is exclusive, and nobody need be woken.
if mode == 0 and asks == '0' and ARGV[at + 3] ~= '' then
  if ends > now then
    if owner ~= who then
      left = ends == NEVER and -1 or ends - now
    end
  elseif queue == '' or head == me and alive > now then
    token = token < now and now or token + 1
    queue = string.sub(queue, ENTRY + 1)
    local stay = ARGV[at + 7]
    if queue ~= '' and tonumber(stay) < 10000 then
      stay = '10000'
    end
    redis.call('SET', key, struct.pack('>BdddiBc0H', 1, token, now + ARGV[at + 3], now, 0, #who, who, #by) .. by .. queue, 'PX', stay)
    return 1, token
  elseif alive > now and alive <= now + GRACE then
    left = alive - now
  end
end

--#include place.lua
if not left then
  local wants, asked, COUNTED = tonumber(asks), tonumber(ARGV[at + 3]), ARGV[at + 5]

--#include leases.lua
--#include queue.lua

  local untl = asked and now + asked or NEVER
  local e, t, s = lease(who, wants)
  if e == false then
    return 2
  end
  if e then
    leave(me)
    hold(who, wants, untl, t, s, by, e)
    save()
    return 1, t
  end

  -- Those who wait come first.
  local room, first_in_line, turn = fits(wants), nil, nil
  if room and queue ~= '' then
    first_in_line, turn = wake(me)
  end
  if room and (not first_in_line or first_in_line == me) then
    leave(me)
    token = math.max(token + 1, now)
    hold(who, wants, untl, token, now, by)
    if wants ~= 0 then
      wake('') -- there may be room for the next one too
    end
    save()
    return 1, token
  end

  left = ends - now
  if turn then
    left = turn - now
  elseif ends == NEVER then
    left = -1
  elseif wants == mode and mode > 0 and not room then
    left = first - now
  end
  write, waited = save, not scanned and waited
end

local before = 0
if me ~= '' then
  local entry, at = struct.pack('>di', now + STALE, asks) .. me, place(me)
  if at then
    queue = string.sub(queue, 1, at - 1) .. entry .. string.sub(queue, at + ENTRY)
  else
    at = #queue + 1
    queue = queue .. entry
  end
  before = (at - 1) / ENTRY
end
if queue ~= waited then
  if write then
    write()
  else -- nothing else changed
    record = string.sub(record, 1, -1 - #waited) .. queue
    if ends == NEVER then
      redis.call('SET', key, record)
    else
      local stay = math.max(10000, math.ceil((ends - now) / 1000) + 1000)
      redis.call('SET', key, record, 'PX', string.format('%d', stay))
    end
  end
end
if left ~= -1 and left < 1 then
  left = 1
end
return 0, left, before

end
--#include each.lua
