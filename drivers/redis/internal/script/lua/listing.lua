-- listing returns every lease that has not ended: its owner, mode, token, age
-- and time left in µs (-1: no end), channel and holder. It writes nothing.
local function listing()
  local found = {}
  local function add(who, as, t, s, e, by)
    found[#found + 1] = {who, as, t, now - s, e == NEVER and -1 or e - now, by}
  end
  if mode == 0 then
    if ends > now then
      add(owner, mode, token, since, ends, holder)
    end
    return found
  end
  local all = redis.call('HGETALL', key)
  for i = 1, #all, 2 do
    if string.byte(all[i]) == 111 then -- o
      local e, t, s, as, after = struct.unpack('>dddi', all[i + 1])
      if e > now then
        add(string.sub(all[i], 2), as, t, s, e, string.sub(all[i + 1], after))
      end
    end
  end
  return found
end

-- waiting returns how many wait and are alive.
local function waiting()
  local record = whole and record or redis.call('GET', key)
  local n, at = 0, queue_at
  while at <= #record do
    local size, alive = struct.unpack('>Hd', record, at)
    if alive > now then
      n = n + 1
    end
    at = at + 2 + size
  end
  return n
end
