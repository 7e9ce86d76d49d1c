-- The whole queue, and as it was read.
if not whole then
  record, whole = redis.call('GET', key), true
end
local queue = string.sub(record, queue_at)
local waited = queue

-- position returns where in the queue the entry of a name is, and how many wait before
-- it. Of a name that is not there it returns nil, and how many wait.
local function position(name)
  local at, before = 1, 0
  while at <= #queue do
    local size, _, _, other = struct.unpack('>Hdic16', queue, at)
    if other == name then
      return at, before
    end
    at, before = at + 2 + size, before + 1
  end
  return nil, before
end
