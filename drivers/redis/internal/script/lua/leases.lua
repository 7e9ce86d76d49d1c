-- The leases of a key, whatever their mode. ends, mode and owner are those of
-- state.lua; count and first are the number of leases that are Shared or of
-- Slots, and a time before which none of them ends.
--
-- FEW is how many leases are read without need: with more than that, the end that is known
-- may be later than the last one, and an end is noticed up to LAG later.
local count, first, scanned, FEW, LAG = 0, NEVER, false, 64, 100000
--#include write_record.lua

local function free()
  ends, since, mode, owner, holder, count = 0, 0, 0, '', '', 0
end

-- scan looks at every lease that is Shared or of Slots, and removes the ended.
local function scan()
  local all = redis.call('HGETALL', key)
  count, first, ends, scanned = 0, NEVER, 0, true
  for i = 1, #all, 2 do
    if string.byte(all[i]) == 111 then -- o
      local e = struct.unpack('>d', all[i + 1])
      if e <= now then
        redis.call('HDEL', key, all[i])
      else
        count, first, ends = count + 1, math.min(first, e), math.max(ends, e)
      end
    end
  end
  if count == 0 then
    free()
  elseif count > FEW then
    first = math.max(first, now + LAG)
  end
end

if mode ~= 0 then
  first, count = since, struct.unpack('>I', holder)
  if first <= now then
    scan()
  end
elseif ends <= now then
  free()
end

-- fits tells whether a lease in a mode can stand beside the present ones: a permit
-- of n beside fewer than n, whatever they were asked for with.
local function fits(wants)
  if ends == 0 then
    return true
  end
  return wants < 0 and mode < 0 or mode > 0 and count < wants
end

-- below returns a time before which no fewer than n leases are held.
local function below(n)
  if count <= n then
    return first
  end
  local all, left = redis.call('HGETALL', key), {}
  for i = 1, #all, 2 do
    if string.byte(all[i]) == 111 then -- o
      left[#left + 1] = struct.unpack('>d', all[i + 1])
    end
  end
  table.sort(left)
  return left[#left - n + 1]
end

-- any returns since when one of the leases stands, and its holder. To find one that is
-- Shared or of Slots it reads all of them, and where that is too much it finds none.
local function any()
  if mode == 0 then
    return since, holder
  end
  if count <= 16 and #record <= 4096 then
    local all = redis.call('HGETALL', key)
    for i = 1, #all, 2 do
      if string.byte(all[i]) == 111 then -- o
        local e, _, s, _, after = struct.unpack('>dddi', all[i + 1])
        if e > now then
          return s, string.sub(all[i + 1], after)
        end
      end
    end
  end
  return now, ''
end

-- lease returns the end, the token and the beginning of who's lease in a mode,
-- and what follows them, if who has one; if it is in another mode, only false.
local function lease(who, wants)
  if ends == 0 then
    return nil
  end
  if mode == 0 then
    if owner ~= who then
      return nil
    end
    if wants ~= 0 then
      return false
    end
    return ends, token, since, holder
  end
  local found = redis.call('HGET', key, 'o' .. who)
  if not found then
    return nil
  end
  local e, t, s, as, after = struct.unpack('>dddi', found)
  if e <= now then
    return nil
  end
  if wants ~= as then
    return false
  end
  return e, t, s, string.sub(found, after)
end

-- hold writes a lease; from is its end before, nil for a new one.
local function hold(who, wants, untl, t, s, by, from)
  if wants == 0 then
    ends, since, mode, owner, holder = untl, s, 0, who, by
    return
  end
  if not hashed then
    load()
    redis.call('DEL', key)
    hashed = true
  end
  redis.call('HSET', key, 'o' .. who, struct.pack('>dddi', untl, t, s, wants) .. by)
  if not from then
    count = count + 1
  end
  mode, first = wants < 0 and -1 or 1, math.min(first, untl)
  if from and from >= ends and untl < from and count <= FEW then
    scan()
  else
    ends = math.max(ends, untl)
  end
end

-- drop removes a lease that ends at untl.
local function drop(who, untl)
  if mode == 0 then
    return free()
  end
  redis.call('HDEL', key, 'o' .. who)
  count = count - 1
  if count == 0 then
    free()
  elseif untl >= ends and count <= FEW then
    scan()
  end
end

-- save writes the record, and how long the key stays, and returns where the queue begins.
local function save()
  local ttl = math.ceil(math.max(0, ends - now) / 1000) + 1000
  if mode == 0 then
    return write_record(ends, since, owner, holder, queue_at, ends ~= NEVER and string.format('%d', ttl) or nil)
  end
  redis.call('HSET', key, 'r', struct.pack('>BdddiIBHI', 2, token, ends, first, mode, 41, 0, 4, count) .. string.sub(record, queue_at))
  if ends == NEVER then
    redis.call('PERSIST', key)
  else
    redis.call('PEXPIRE', key, #record >= queue_at and math.max(ttl, 10000) or ttl)
  end
  return 41
end
