#!lua flags=allow-oom
-- Returns the names of the commands that the other scripts and the driver use, and that
-- this user may not run.
--
-- The server is asked what the user may do with the key lk:probe, which nobody writes:
-- that leaves nothing in its ACL LOG. A user who may do nothing with that key may have
-- been given just those that the locks will have. Then each command is tried, and fails
-- for one reason or the other, which the server logs.
--
-- ARGV: the store's channel, a key to try the commands with, which is not declared: a
-- user who may not use it could not run the script then.
local subject, name = ARGV[1], 'lk:probe'
local function of(key)
  return {
    {'SET', key, '', 'PX', 1}, -- the commands for hashes fail then, and are tried all the same
    {'APPEND', key, ''}, {'GET', key}, {'GETRANGE', key, 0, 0}, {'SETRANGE', key, 0, ''},
    {'HSET', key, 'r', ''}, {'HGET', key, 'r'}, {'HGETALL', key}, {'HDEL', key, 'o'},
    {'PERSIST', key}, {'PEXPIRE', key, 1},
    {'DEL', key}, -- nobody sees the key
  }
end

local refused = {}
local function check(command, called)
  local known, may = pcall(redis.acl_check_cmd, unpack(command))
  if known and may then
    return true
  end
  refused[#refused + 1] = string.lower(called or command[1])
end

local commands, may = of(name), 0
for _, c in ipairs(commands) do
  if check(c) then
    may = may + 1
  end
end
if may == 0 then
  refused = {}
  for _, c in ipairs(of(ARGV[2])) do
    local reply = redis.pcall(unpack(c))
    local text = type(reply) == 'table' and reply.err and string.lower(reply.err)
    if text and (string.find(text, 'permission', 1, true) or string.find(text, 'acl', 1, true) or string.find(text, "can't run", 1, true)) and not string.find(text, 'key', 1, true) then
      refused[#refused + 1] = string.lower(c[1])
    end
  end
end
check({'TIME'})
check({'PUBSUB', 'NUMSUB', subject}, 'pubsub|numsub')
check({'PUBLISH', subject, ''})
check({'INFO'})
return refused
