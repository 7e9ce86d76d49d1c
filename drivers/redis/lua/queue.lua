-- Who waits stands in one string, first come first, 28 bytes each: until when
-- it counts as alive, the mode it asks for, and its name, which is its inbox
-- (12 bytes) and a number there.
--
-- One that waits asks again within a second, so that it stays alive. Once woken
-- it has GRACE to come: meanwhile the key is reserved for it, then it is frozen
-- and loses its place. Dead processes are noticed at once: nobody receives what
-- is published to them (not on a cluster, which counts the receivers of one
-- node only: COUNTED is empty there).
local ENTRY, GRACE, STALE = 28, 500000, 2500000

-- place returns where in the queue a name's entry is.
local function place(name)
  if name == '' then
    return nil
  end
  local at = string.find(queue, name, 1, true)
  while at and (at - 13) % ENTRY ~= 0 do
    at = string.find(queue, name, at + 1, true)
  end
  return at and at - 12
end

local function leave(name)
  local at = place(name)
  if at then
    queue = string.sub(queue, 1, at - 1) .. string.sub(queue, at + ENTRY)
  end
end

local function tell(name)
  return redis.call('PUBLISH', 'lk:in:' .. string.sub(name, 1, 12), 'w' .. string.sub(name, 13))
end

-- wake wakes the first in line, if there is room for it, and returns its name
-- and until when that is its turn (nil if there is no room for it). Whoever is
-- called me is not woken: it is here.
local function wake(me)
  while queue ~= '' do
    local alive, wants, name = struct.unpack('>dic16', queue)
    if alive > now then
      if not fits(wants) then
        return name
      end
      if name == me or alive <= now + GRACE then
        return name, alive
      end
      if tell(name) > 0 or COUNTED == '' then
        queue = struct.pack('>d', now + GRACE) .. string.sub(queue, 9)
        return name, now + GRACE
      end
    end
    queue = string.sub(queue, ENTRY + 1)
  end
end
