-- The queue, from queue_at on. Of a long one only pieces are read, and what changes is
-- written where it stands: see head.lua and state.lua. dirty tells that the record must
-- be written, and LOOK is how many entries a script reads at most.
local LOOK, WINDOW, dirty = 1000, 8192, false
local window, window_at = nil, 1

-- entry returns where the entry behind the one at a position begins, until when that one
-- is alive, its mode and its name; nothing at the queue's end, and where there is no entry.
local function entry(at)
  local text, i = record, at
  if not whole then
    i = at - window_at + 1
    if not window or i < 1 or i + 1026 > #window and (#window == WINDOW or i > #window + 1) then
      window, window_at, i = redis.call('GETRANGE', key, at - 1, at - 2 + WINDOW), at, 1
    end
    text = window
  end
  if #text >= i + 29 then
    local size, alive, wants, name = struct.unpack('>Hdic16', text, i)
    if size >= 28 and size <= 1024 and i + 1 + size <= #text and alive >= 0 and alive <= NEVER then
      return at + 2 + size, alive, wants, name
    end
  end
  if #text >= i then -- cut it off
    if whole then
      record, dirty = string.sub(record, 1, at - 1), true
    else
      redis.call('SET', key, redis.call('GETRANGE', key, 0, at - 2), 'KEEPTTL')
      window = string.sub(window, 1, i - 1)
    end
  end
end

-- overwrite writes over a part of the queue.
local function overwrite(at, text)
  dirty = true
  if whole then
    record = string.sub(record, 1, at - 1) .. text .. string.sub(record, at + #text)
  else
    redis.call('SETRANGE', key, at - 1, text)
    window = nil
  end
end

-- position returns where in the queue the entry of a name is, nil if it is not there.
-- It stood at hint once: since then it may have moved to the front, or a little back.
local function position(name, hint)
  if whole then
    local i = string.find(record, name, queue_at + 14, true)
    return i and i - 14
  end
  if hint and hint >= queue_at and redis.call('GETRANGE', key, hint + 13, hint + 28) == name then
    return hint
  end
  local PIECE = 16384
  local from = hint and math.max(queue_at, hint + 2048 - PIECE) or queue_at
  local step = hint and -PIECE or PIECE
  while true do
    local piece = redis.call('GETRANGE', key, from - 1, from + PIECE + 28)
    local i = string.find(piece, name, 15, true)
    if i then
      return from + i - 15
    end
    if step < 0 and from == queue_at or step > 0 and #piece < PIECE + 30 then
      return nil
    end
    from = math.max(queue_at, from + step)
  end
end

-- remove takes an entry out. In a long queue it stays where it is, as one that is dead
-- and nobody's, until it is the first.
local function remove(at)
  local after = entry(at)
  if not after then
    return -- it was none, and was cut off
  elseif at == queue_at then
    queue_at, dirty = after, true
  elseif whole then
    record, dirty = string.sub(record, 1, at - 1) .. string.sub(record, after), true
  else
    overwrite(at + 2, string.rep('\0', 28))
  end
end

-- load reads the whole record.
local function load()
  if not whole then
    record, whole = redis.call('GET', key), true
  end
end
