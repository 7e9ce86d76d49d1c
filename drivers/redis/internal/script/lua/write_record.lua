-- write_record writes the record of an exclusive lock with the queue from a position on,
-- which has the key stay longer, and returns where the queue begins now; without ttl the key
-- stays for ever. A long queue stays where it is, until so little of it is left that to move
-- it costs nothing, or too much stands before it that means nothing any more. So it has room
-- for the longest holder before it.
local function write_record(ends, since, owner, holder, from, ttl)
  if ttl and tonumber(ttl) < 10000 and (not whole or #record >= from) then
    ttl = '10000'
  end
  local at = 37 + #owner + #holder
  local in_place = not whole and at <= from and (from < 8192 or
    from < 1048576 and redis.call('GETRANGE', key, from + 16382, from + 16382) ~= '')
  if in_place then
    at = from
  end
  local rest = not in_place and (whole and string.sub(record, from) or redis.call('GETRANGE', key, from - 1, -1))
  local room = rest and at < 768 and at + #rest > 768 and string.rep(' ', 768 - at) or ''
  at = at + #room
  local header = struct.pack('>BdddiIBc0Hc0', 2, token, ends, since, 0, at, #owner, owner, #holder, holder)
  if not in_place then
    local text = header .. room .. rest
    if ttl then
      redis.call('SET', key, text, 'PX', ttl)
    else
      redis.call('SET', key, text)
    end
  else
    redis.call('SETRANGE', key, '0', header)
    if ttl then
      redis.call('PEXPIRE', key, ttl)
    else
      redis.call('PERSIST', key)
    end
  end
  return at
end
