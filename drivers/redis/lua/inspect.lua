#!lua flags=no-writes
-- Tells who holds the key and how many wait for it.
--
-- Returns {how many wait, leases}; see listing.lua.
--#include state.lua
--#include clock.lua
--#include listing.lua
return {waiting(), listing()}
