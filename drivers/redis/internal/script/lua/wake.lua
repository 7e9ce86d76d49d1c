local function leave(name, hint)
  local at = position(name, hint)
  if at then
    remove(at)
  end
  return at
end

local function tell(name)
  return redis.call('PUBLISH', 'lk:in:' .. string.sub(name, 1, 12), 'w' .. string.sub(name, 13))
end

-- wake wakes the first in the queue, if there is room for it, and returns its name
-- and until when that is its turn (nil if there is no room for it). Whoever is
-- called me is not woken: it is here. Nobody passes the first, not one either who asks
-- for a permit of a larger number.
--
-- Those before the first who are dead leave the queue. Where they are too many for one
-- script the name is a space, and it is the turn of nobody for a moment: whoever asks next
-- goes on.
local function wake(me)
  local looks, gone = LOOK, {}
  while looks > 0 do
    local after, alive, wants, name = entry(queue_at)
    if not after then
      return nil
    end
    looks = looks - 1
    if alive > now then
      if not fits(wants) then
        return name
      end
      if name == me or alive <= now + GRACE then
        return name, alive
      end
      local channel = string.sub(name, 1, 12)
      if not gone[channel] then
        if tell(name) > 0 or COUNTED == '' then
          overwrite(queue_at + 2, struct.pack('>d', now + GRACE))
          return name, now + GRACE
        end
        gone[channel], looks = true, looks - 10
      end
    end
    queue_at, dirty = after, true
  end
  return ' ', now + 1
end
