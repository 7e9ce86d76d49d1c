#!lua flags=no-writes
-- Tells who holds the key and how many wait for it.
--
-- ARGV: from where in the queue it counts, 0 at first. Returns {how many wait, leases, from
-- where to go on counting}: see listing.lua. Who goes on is not told the leases again.
local key, asks = KEYS[1], '0'
--#include state.lua
--#include clock.lua
--#include listing.lua
local from = tonumber(ARGV[1])
local waiters, more = waiting(from)
return {waiters, from == 0 and listing() or {}, more}
