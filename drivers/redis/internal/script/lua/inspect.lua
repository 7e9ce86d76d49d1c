#!lua flags=no-writes
-- Tells who holds the key and how many wait for it.
--
-- Returns {how many wait, leases}; see listing.lua.
local key, asks = KEYS[1], '0'
--#include state.lua
--#include clock.lua
--#include listing.lua
return {waiting(), listing()}
