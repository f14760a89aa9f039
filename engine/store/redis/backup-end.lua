-- Ends the noting of a backup; that of another one goes on.
-- KEYS  1 meta (hash), 2 changed customers (set)
-- ARGV  1 id of the backup
-- Returns 1 | 0, when it had ended
local stored = redis.call('HGET', KEYS[1], 'backup')
if not stored or stored:match(' (%S+)') ~= ARGV[1] then return 0 end
redis.call('HDEL', KEYS[1], 'backup')
redis.call('DEL', KEYS[2])
return 1
