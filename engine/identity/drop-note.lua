-- Drops the note of an alias that its customer has no more, unless another link was noted since.
-- KEYS  1 aliases of the customer, see note-alias.lua
-- ARGV  1 alias, 2 stamp
-- Returns 1 | 0, when there was no such note
if redis.call('HGET', KEYS[1], ARGV[1]) ~= ARGV[2] then return 0 end
return redis.call('HDEL', KEYS[1], ARGV[1])
