-- Keeps an alias as a backup has it.
-- KEYS  1 alias, see link-alias.lua
-- ARGV  1 at, 2 for how long it is remembered that it is nobody's, milliseconds; empty: it has 3 a customer, 4 stamp
-- Returns 1
redis.call('DEL', KEYS[1])
redis.call('HSET', KEYS[1], 'at', ARGV[1])
if ARGV[3] then redis.call('HSET', KEYS[1], 'customer', ARGV[3], 'stamp', ARGV[4])
else redis.call('PEXPIRE', KEYS[1], ARGV[2]) end
return 1
