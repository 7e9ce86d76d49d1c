#!lua flags=allow-oom
-- Ends a wait: takes it out of the queue, releases what it may have been
-- granted, and passes on its turn.
--
-- ARGV: COUNTED, mode, owner, the waiter's name. Returns 1 if the owner held
-- the key, else 0.
local key, asks = KEYS[1], ARGV[2]
--#include state.lua
--#include clock.lua
local COUNTED, wants, who, me = ARGV[1], tonumber(ARGV[2]), ARGV[3], ARGV[4]
--#include head.lua
--#include queue.lua
--#include leases.lua
--#include wake.lua

local e, at = lease(who, wants), me ~= '' and position(me)
if e then
  drop(who, e)
end
leave(me)
if e or at then
  local name, turn = wake('')
  if name and not turn and at == 1 then
    tell(name) -- it is the first now, and the one to look when the lease ends
  end
end
if e or at or scanned then
  save()
end
return e and 1 or 0
