#!lua
-- Grants a lease, or tells for how long the key may be held and, to one that
-- waits, how many wait before it.
--
-- ARGV: COUNTED, mode, lease in µs (empty: no end), how long the key stays in ms,
-- inbox and holder; then, for each key, owner and, of one that waits, its name.
-- Returns the token, {0, µs or -1, place}, or 2: this owner holds the key in
-- another mode. It may have many keys: see each.lua.
--#include clock.lua
local width, common = 3, 5
local COUNTED, asks, asked, stays, by = ARGV[1], ARGV[2], tonumber(ARGV[3]), ARGV[4], ARGV[5]
local wants, untl, named = tonumber(asks), asked and now + asked, #ARGV > common + #KEYS
local held_by = struct.pack('>H', #by) .. by
local function one(key, at)

local who, me, left, write = ARGV[at + 1], named and ARGV[at + 2] or '', nil, nil
--#include state.lua
--#include line.lua

-- Most often the lock is exclusive, and nobody need be woken.
if mode == 0 and wants == 0 and asked then
  if ends > now then
    if owner ~= who then
      left = ends == NEVER and -1 or ends - now
    end
  elseif queue == '' or head == me and alive > now then
    token = token < now and now or token + 1
    local stay = stays
    if queue ~= '' then
      queue = string.sub(queue, ENTRY + 1)
      if queue ~= '' and tonumber(stay) < 10000 then
        stay = '10000'
      end
    end
    redis.call('SET', key, struct.pack('>BdddiBc0c0c0', 1, token, untl, now, 0, #who, who, held_by, queue), 'PX', stay)
    return token
  elseif alive > now and alive <= now + GRACE then
    left = alive - now
  end
end

--#include place.lua
if not left then
--#include leases.lua
--#include queue.lua

  local e, t, s = lease(who, wants)
  if e == false then
    return 2
  end
  if e then
    leave(me)
    hold(who, wants, untl or NEVER, t, s, by, e)
    save()
    return t
  end

  -- Those who wait come first.
  local room, first_in_line, turn = fits(wants), nil, nil
  if room and queue ~= '' then
    first_in_line, turn = wake(me)
  end
  if room and (not first_in_line or first_in_line == me) then
    leave(me)
    token = math.max(token + 1, now)
    hold(who, wants, untl or NEVER, token, now, by)
    if wants ~= 0 then
      wake('') -- there may be room for the next one too
    end
    save()
    return token
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
