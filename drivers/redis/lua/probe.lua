#!lua flags=allow-oom
-- Tries each command that the other scripts use, and returns the names of those
-- that this user may not run. A user who may run them, but on other keys only,
-- may have been given just those that the locks will have.
--
-- ARGV: a channel.
local refused = {}
local function try(...)
  local reply = redis.pcall(...)
  if type(reply) == 'table' and reply.err then
    local text = string.lower(reply.err)
    if string.find(text, 'permission', 1, true) or string.find(text, 'acl', 1, true) or string.find(text, "can't run", 1, true) then
      if not string.find(text, 'key', 1, true) then
        refused[#refused + 1] = string.lower((select(1, ...)))
      end
    end
  end
end
try('TIME')
try('SET', KEYS[1], '', 'PX', 1)
try('GET', KEYS[1])
try('DEL', KEYS[1])
try('HSET', KEYS[1], 'r', '')
try('HGET', KEYS[1], 'r')
try('HGETALL', KEYS[1])
try('HDEL', KEYS[1], 'o')
try('PERSIST', KEYS[1])
try('PEXPIRE', KEYS[1], 1)
try('PUBLISH', ARGV[1], '')
return refused
