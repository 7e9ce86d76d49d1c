#!lua flags=allow-oom
-- Returns how many listen to a channel at this server, if it is a master: a replica
-- refuses scripts that may write.
--
-- ARGV: a channel.
return redis.call('PUBSUB', 'NUMSUB', ARGV[1])[2]
