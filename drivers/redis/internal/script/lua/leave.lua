#!lua flags=allow-oom
-- Ends a wait: takes it out of the queue, releases what it may have been
-- granted, and passes on its turn.
--
-- ARGV: COUNTED, mode, owner, the waiter's name, and maybe the place where it stood in
-- the queue behind it. Returns 1 if the owner held the key, else 0.
local key, asks = KEYS[1], ARGV[2]
--#include state.lua
--#include clock.lua
local COUNTED, wants, who, me = ARGV[1], tonumber(ARGV[2]), ARGV[3], string.sub(ARGV[4], 1, 16)
--#include head.lua
--#include queue.lua
--#include leases.lua
--#include wake.lua

local e = lease(who, wants)
if e then
  drop(who, e)
end
local first = queue_at
local at = me ~= '' and leave(me, tonumber(string.sub(ARGV[4], 17)))
if e or at then
  local name, turn = wake('')
  if name and not turn and at == first then
    tell(name) -- it is the first now, and the one to look when the lease ends
  end
end
if e or dirty or scanned then
  save()
end
return e and 1 or 0
