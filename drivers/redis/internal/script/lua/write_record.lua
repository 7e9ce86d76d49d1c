-- write_record writes the record of an exclusive lock with the queue from a position on,
-- which has the key stay longer, and returns where the queue begins now. A long queue
-- stays where it is, until too much stands before it that means nothing any more.
local function write_record(ends, since, owner, holder, from, ttl)
  if tonumber(ttl) < 10000 and (not whole or #record >= from) then
    ttl = '10000'
  end
  local at = 37 + #owner + #holder
  local in_place = not whole and at <= from and from < 8192
  if in_place then
    at = from
  end
  local header = struct.pack('>BdddiIBc0Hc0', 2, token, ends, since, 0, at, #owner, owner, #holder, holder)
  if in_place then
    redis.call('SETRANGE', key, '0', header)
    redis.call('PEXPIRE', key, ttl)
  else
    local all = whole and record or redis.call('GET', key)
    redis.call('SET', key, header .. string.sub(all, from), 'PX', ttl)
  end
  return at
end
