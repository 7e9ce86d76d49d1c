#!lua
-- Grants a lease, or tells for how long the key may be held and, to one that
-- waits, how many wait before it.
--
-- ARGV: COUNTED, mode, lease in µs (empty: no end), how long the key stays in ms,
-- channel and holder, whether one that waits takes what is handed to it (empty: no);
-- then, for each key, owner and, of one that waits, its name, with a + behind it if
-- it can't be in the queue yet, or the place where it stood there the last time.
-- Returns the token, or 2: this owner holds the key in another mode, or a refusal:
-- {0, µs or -1, about how many wait before, the last token, its place in the queue, for
-- how many µs the holder has had the key, the holder}. The holder is one of those who
-- hold it, or empty: nobody does, or so many that to find one would cost too much. It
-- may have many keys: see each.lua.
--#include clock.lua
local common = 6
local COUNTED, asks, asked, ttl, by = ARGV[1], ARGV[2], tonumber(ARGV[3]), ARGV[4], ARGV[5]
local wants, untl, named = tonumber(asks), asked and now + asked, #ARGV > common + #KEYS
local takes_hand_off = ARGV[6] ~= ''
local function one(key, at)

local who = ARGV[at + 1]
--#include state.lua

-- Most often the lock is exclusive and free, and nobody waits.
local simple = mode == 0 and wants == 0 and asked
if simple and ends <= now and whole and #record < queue_at then
  token = token < now and now or token + 1
  redis.call('SET', key, struct.pack('>BdddiIBc0Hc0', 2, token, untl, now, 0, 37 + #who + #by, #who, who, #by, by), 'PX', ttl)
  return token
end

local name, left, before = named and ARGV[at + 2] or '', nil, 0
local me, hint = string.sub(name, 1, 16), string.sub(name, 17)
local new, place = hint == '+', 0
hint = tonumber(hint)
--#include head.lua
--#include write_record.lua

-- mine returns what stands in the queue for one that waits.
local function mine()
  local hand_off_info = takes_hand_off and struct.pack('>Bc0', #who, who) .. string.sub(by, 13) or ''
  return struct.pack('>Hdi', 28 + #hand_off_info, now + STALE, asks) .. me .. hand_off_info
end

-- queue_ttl is how long, in ms, the key stays for those who wait.
local function queue_ttl()
  return ends ~= NEVER and string.format('%d', math.max(10000, math.ceil((ends - now) / 1000) + 1000)) or nil
end

-- Or nobody need be woken.
if simple then
  if ends > now then
    if owner ~= who then
      left = ends == NEVER and -1 or ends - now
    end
  elseif not head or head == me and alive > now then -- none is left, or it is its turn
    token = token < now and now or token + 1
    write_record(untl, now, who, by, queue_at + (head and 2 + size or 0), ttl)
    return token
  elseif alive > now and alive <= now + GRACE then
    left = alive - now
  end
  -- Nor does anybody leave: then the entry is written, and nothing else.
  if left and me ~= '' and (not head or alive > now or head == me) then
    local length
    if new or whole and not string.find(record, me, queue_at, true) then
      local entry = mine()
      length = #entry
      if whole and #record + length > 768 and queue_at < 768 then -- the queue is a long one now
        place, record = #record + 1 - queue_at, record .. entry
        queue_at = write_record(ends, since, owner, holder, queue_at, queue_ttl())
        place = place + queue_at
      else
        place = redis.call('APPEND', key, entry) - length + 1
      end
    elseif hint and hint >= queue_at then
      local there = redis.call('GETRANGE', key, hint - 1, hint + 28)
      if string.sub(there, 15) == me then
        length, place = 2 + struct.unpack('>H', there), hint
        redis.call('SETRANGE', key, hint + 1, struct.pack('>di', now + STALE, asks))
      end
    end
    if length then
      if ends ~= NEVER then
        redis.call('PEXPIRE', key, queue_ttl())
      end
      return 0, left == -1 and left or math.max(1, left), math.ceil((place - queue_at) / length), token,
        place, math.max(0, now - since), string.sub(holder, 13)
    end
  end
end

--#include queue.lua
local write, hurry
local shown_since, shown = since, holder
if not left then
--#include leases.lua
--#include wake.lua

  local e, t, s = lease(who, wants)
  if e == false then
    return 2
  end
  if e then
    if me ~= '' then
      leave(me, hint)
    end
    hold(who, wants, untl or NEVER, t, s, by, e)
    save()
    return t
  end

  -- Those who wait come first.
  local room, first_waiter, turn = fits(wants), nil, nil
  if room then
    first_waiter, turn = wake(me)
    hurry = first_waiter == ' '
  end
  if room and (not first_waiter or first_waiter == me) then
    if me ~= '' then
      leave(me, hint)
    end
    token = math.max(token + 1, now)
    hold(who, wants, untl or NEVER, token, now, by)
    if wants ~= 0 then
      wake('') -- there may be room for the next one too
    end
    save()
    return token
  end

  left = turn or ends
  if not turn and not room and wants > 0 and mode > 0 then
    left = below(wants)
  end
  left = left == NEVER and -1 or left - now
  shown_since, shown = any()
  write, dirty = save, dirty or scanned
end

if me ~= '' then
  -- The dead who stand first leave, some at a time.
  for _ = 1, 100 do
    local after, alive, _, name = entry(queue_at)
    if not after or alive > now or name == me then
      break
    end
    queue_at, dirty = after, true
  end
  place = not new and position(me, hint)
  local after = place and entry(place)
  if after then
    overwrite(place + 2, struct.pack('>di', now + STALE, asks))
  else
    local entry = mine()
    dirty = true
    if whole then
      place, record = #record + 1, record .. entry
    else
      place = redis.call('APPEND', key, entry) - #entry + 1
    end
    after = place + #entry
  end
  before = hurry and 0 or math.ceil((place - queue_at) / (after - place))
end
if dirty then
  local at
  if write then
    at = write()
  else -- the lease is as it was
    at = write_record(ends, since, owner, holder, queue_at, queue_ttl())
  end
  place = place + at - queue_at
end
if left ~= -1 and left < 1 then
  left = 1
end
return 0, left, before, token, place, math.max(0, now - shown_since), string.sub(shown, 13)

end
--#include each.lua
