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

-- Most often the key is free and nobody waits for it.
if mode == 0 and ends <= now and asks == '0' and queue == '' and ARGV[at + 3] ~= '' then
  token = token < now and now or token + 1
  redis.call('SET', key, struct.pack('>BdddiBc0H', 1, token, now + ARGV[at + 3], now, 0, #who, who, #by) .. by, 'PX', ARGV[at + 7])
  return 1, token
end

local wants, asked, COUNTED, me = tonumber(asks), tonumber(ARGV[at + 3]), ARGV[at + 5], ARGV[at + 6]

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

local left = ends - now
if turn then
  left = turn - now
elseif ends == NEVER then
  left = -1
elseif wants == mode and mode > 0 and not room then
  left = first - now
end
if left ~= -1 and left < 1 then
  left = 1
end
local before = 0
if me ~= '' then
  local entry, at = struct.pack('>di', now + STALE, wants) .. me, place(me)
  if at then
    queue = string.sub(queue, 1, at - 1) .. entry .. string.sub(queue, at + ENTRY)
  else
    at = #queue + 1
    queue = queue .. entry
  end
  before = (at - 1) / ENTRY
end
if scanned or queue ~= waited then
  save()
end
return 0, left, before

end
--#include each.lua
