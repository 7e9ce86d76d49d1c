-- Who waits stands in one string, first come first, 28 bytes each: until when
-- it counts as alive, the mode it asks for, and its name, which is its inbox
-- (12 bytes) and a number there.
--
-- One that waits asks again within a second, so that it stays alive. Once woken
-- it has GRACE to come: meanwhile the key is reserved for it, then it is frozen
-- and loses its place. Dead processes are noticed at once: nobody receives what
-- is published to them (not on a cluster, which counts the receivers of one
-- node only: COUNTED is empty there).
local ENTRY, GRACE, STALE = 28, 500000, 2500000

-- The first in line: until when it is alive, and its name.
local alive, head, _ = 0, nil, nil
if queue ~= '' then
  alive, _, head = struct.unpack('>dic16', queue)
end
