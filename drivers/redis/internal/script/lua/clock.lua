-- The time, in microseconds. Tests of a clock that is set back put another
-- line in the place of this file.
local now = redis.call('TIME')
now = now[1] * 1000000 + now[2]
