-- after returns the queue behind the entry at a place.
local function after(at)
  return string.sub(queue, at + 2 + struct.unpack('>H', queue, at))
end

local function leave(name)
  local at = place(name)
  if at then
    queue = string.sub(queue, 1, at - 1) .. after(at)
  end
end

local function tell(name)
  return redis.call('PUBLISH', 'lk:in:' .. string.sub(name, 1, 12), 'w' .. string.sub(name, 13))
end

-- wake wakes the first in line, if there is room for it, and returns its name
-- and until when that is its turn (nil if there is no room for it). Whoever is
-- called me is not woken: it is here. One that waits for a permit, of which too many
-- are held for it, does not keep out those who ask for permits of a larger number: it
-- is returned third if there are none.
local function wake(me)
  local at, passed = 1, nil
  while at <= #queue do
    local size, alive, wants, name = struct.unpack('>Hdic16', queue, at)
    local fine = alive > now
    if fine and fits(wants) then
      if name == me or alive <= now + GRACE then
        return name, alive
      end
      if tell(name) > 0 or COUNTED == '' then
        queue = string.sub(queue, 1, at + 1) .. struct.pack('>d', now + GRACE) .. string.sub(queue, at + 10)
        return name, now + GRACE
      end
      fine = false
    end
    if not fine then
      queue = string.sub(queue, 1, at - 1) .. after(at)
    elseif wants > 0 and mode > 0 then
      passed, at = passed or name, at + 2 + size
    else
      return name
    end
  end
  return nil, nil, passed
end
