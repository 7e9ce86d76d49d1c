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

-- waiting returns how many wait and are alive, of those who stand from a position on (0:
-- all), and where to go on with the others, who are too many for one script (0: there are
-- none).
local function waiting(from)
  local n, at, text, text_at = 0, math.max(from, queue_at), record, 1
  for _ = 1, 1000 do
    if not whole and (text_at == 1 or at + 1026 > text_at + #text and #text == 8192) then
      text, text_at = redis.call('GETRANGE', key, at - 1, at + 8190), at
    end
    local i = at - text_at + 1
    if i + 29 > #text then
      return n, 0
    end
    local size, alive = struct.unpack('>Hd', text, i)
    if size < 28 or i + 1 + size > #text then
      return n, 0 -- it is no entry
    end
    if alive > now then
      n = n + 1
    end
    at = at + 2 + size
  end
  return n, at
end
