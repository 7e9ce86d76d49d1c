#!lua flags=allow-oom
-- Tries each command that the other scripts use, and returns the names of those
-- that this user may not run. A user who may run them, but on other keys only,
-- may have been given just those that the locks will have.
--
-- ARGV: a channel, a key, which is not declared: a user who may not use it could
-- not run the script then.
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
try('SET', ARGV[2], '', 'PX', 1) -- the commands for hashes fail then, and are tried all the same
try('APPEND', ARGV[2], '')
try('GET', ARGV[2])
try('GETRANGE', ARGV[2], 0, 0)
try('SETRANGE', ARGV[2], 0, '')
try('HSET', ARGV[2], 'r', '')
try('HGET', ARGV[2], 'r')
try('HGETALL', ARGV[2])
try('HDEL', ARGV[2], 'o')
try('PERSIST', ARGV[2])
try('PEXPIRE', ARGV[2], 1)
try('PUBLISH', ARGV[1], '')
try('DEL', ARGV[2]) -- nobody sees the key
return refused
