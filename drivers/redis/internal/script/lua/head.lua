-- The queue stands at the end of the record, first come first, each waiter in an entry:
-- how long the rest of it is (two bytes), until when it counts as alive, the mode it asks
-- for, its name, which is its store's channel (12 bytes) and a number there, and its
-- hand-off info: its owner (behind a byte that is its length) and who it is, or nothing if
-- it does not take a lease that is handed off.
--
-- A waiter asks again within a second, so that it stays alive. Once woken it has GRACE to
-- come: meanwhile the key is reserved for it, then it is frozen and leaves the queue. Dead
-- processes are noticed at once: nobody receives what is published to them (not on a
-- cluster, which counts the receivers of one node only: COUNTED is empty there).
--
-- One with hand-off info that asked within the last FRESH need not come: it is handed a
-- lease that ends HANDED_OFF later, and has it made longer. So one that is frozen keeps
-- the key no longer than that.
--
-- Redis reads each byte of every string that a script makes, so that long ones are
-- costly: what is done most often makes as few as can be of what stands here.
local GRACE, STALE, FRESH, HANDED_OFF = 500000, 2500000, 200000, 1000000

-- An entry that is none ends the queue: it is cut off there, and whoever stood behind it
-- joins again when it asks the next time.

-- The first waiter: how long its entry is, until when it is alive, its name, and
-- what it is read from.
local size, alive, head, near, near_at, _ = 0, 0, nil, record, queue_at, nil
if not whole then
  near, near_at = redis.call('GETRANGE', key, queue_at - 1, queue_at + 1022), 1
end
if #near >= near_at + 29 then
  size, alive, _, head = struct.unpack('>Hdic16', near, near_at)
end
local good = size >= 28 and near_at + 1 + size <= #near and alive >= 0 and alive <= NEVER and
  (size == 28 or size >= 29 + string.byte(near, near_at + 30))
if not good and (head or not whole or #near + 1 ~= near_at) then
  size, alive, head, whole, queue_at = 0, 0, nil, true, 37 + #owner + #holder
  record = struct.pack('>BdddiIBc0Hc0', 2, token, ends, since, mode, queue_at, #owner, owner, #holder, holder)
  if hashed then
    redis.call('HSET', key, 'r', record)
  else
    redis.call('SET', key, record, 'KEEPTTL')
  end
end
