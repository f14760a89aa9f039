-- Keeps a field of a customer's aliases as a backup has it.
-- KEYS  1 aliases of the customer, see note-alias.lua
-- ARGV  1 alias or `!`, 2 its value, 3 until when it is kept, Unix milliseconds, for `!` only
-- Returns 1
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
if ARGV[3] then redis.call('PEXPIREAT', KEYS[1], ARGV[3]) end
return 1
