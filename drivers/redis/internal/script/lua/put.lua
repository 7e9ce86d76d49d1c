-- put writes the record of an exclusive lock with those who stand in the line from
-- a place on, for whom the key stays longer, and returns where they stand now. A long
-- line stays where it is, until too much stands before it that means nothing any more.
local function put(ends, since, owner, holder, from, stay)
  if tonumber(stay) < 10000 and (not whole or #record >= from) then
    stay = '10000'
  end
  local at = 37 + #owner + #holder
  local stays_there = not whole and at <= from and from < 8192
  if stays_there then
    at = from
  end
  local header = struct.pack('>BdddiIBc0Hc0', 2, token, ends, since, 0, at, #owner, owner, #holder, holder)
  if stays_there then
    redis.call('SETRANGE', key, '0', header)
    redis.call('PEXPIRE', key, stay)
  else
    local all = whole and record or redis.call('GET', key)
    redis.call('SET', key, header .. string.sub(all, from), 'PX', stay)
  end
  return at
end
