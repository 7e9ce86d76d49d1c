-- after returns the queue behind the entry at a position.
local function after(at)
  return string.sub(queue, at + 2 + struct.unpack('>H', queue, at))
end

local function leave(name)
  local at = position(name)
  if at then
    queue = string.sub(queue, 1, at - 1) .. after(at)
  end
end

local function tell(name)
  return redis.call('PUBLISH', 'lk:in:' .. string.sub(name, 1, 12), 'w' .. string.sub(name, 13))
end

-- wake wakes the first in the queue, if there is room for it, and returns its name
-- and until when that is its turn (nil if there is no room for it). Whoever is
-- called me is not woken: it is here. Nobody passes the first, not one either who asks
-- for a permit of a larger number.
local function wake(me)
  while queue ~= '' do
    local _, alive, wants, name = struct.unpack('>Hdic16', queue)
    if alive > now then
      if not fits(wants) then
        return name
      end
      if name == me or alive <= now + GRACE then
        return name, alive
      end
      if tell(name) > 0 or COUNTED == '' then
        queue = string.sub(queue, 1, 2) .. struct.pack('>d', now + GRACE) .. string.sub(queue, 11)
        return name, now + GRACE
      end
    end
    queue = after(1)
  end
end
